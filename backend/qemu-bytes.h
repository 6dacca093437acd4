/* qemu-bytes.h - what the files of QEMU's own formats are made of: all numbers are big-endian */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

static inline uint64_t bytes_number (const unsigned char *bytes, size_t len)
{
	uint64_t n = 0;

	for (size_t i = 0; i < len; i++)
		n = n << 8 | bytes[i];
	return n;
}

static inline bool bytes_read (int fd, uint64_t at, void *into, size_t len)
{
	return at <= INT64_MAX && pread (fd, into, len, at) == (ssize_t) len;
}
