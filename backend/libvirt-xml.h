/* libvirt-xml.h - libvirt's documents, read and written
 *
 * Nobody else sees markup.  Documents come from libvirt: well-formed, but with more
 * in them than we know.  What is returned is the caller's. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Does XPATH find anything in XML? */
bool libvirt_xml_has (const char *xml, const char *xpath);

/* The text that XPATH finds first, or NULL. */
char *libvirt_xml_text (const char *xml, const char *xpath);

/* A drive of a domain, as a definition has it. */
struct libvirt_disk {
	char *target;           /* "vda" */
	char *device;           /* "disk", "cdrom", "floppy", "lun" */
	char *type;             /* "file", "block", "network", ... */
	char *format;           /* "qcow2", "raw", ... */
	char *source;           /* its file or device, or what names it elsewhere; NULL: it is empty */
	char *snapshot;         /* "no", "internal", ... if the definition asks for one, else NULL */
	char *mirror;           /* the block job that copies it: "copy", "active-commit"; else NULL */
	bool readonly, transient, iothread;
};

/* The drives of a <domain>, or of that in a <domaincheckpoint>: of struct libvirt_disk. */
GPtrArray *libvirt_xml_disks (const char *xml);

/* The files of the disk TARGET of a <domain>, the active layer first, as far as it names them; of char *, the caller's. */
GPtrArray *libvirt_xml_layers (const char *xml, const char *target);
const struct libvirt_disk *libvirt_disk_find (const GPtrArray *disks, const char *target);

/* A <domain> to be defined again with other images: what its images rest on now is no part of it. */
char *libvirt_xml_definition (const char *xml);

/* Can DISK be written to, and so take part in a moment? */
bool libvirt_disk_is_written (const struct libvirt_disk *);

/* What a <domainsnapshot> says of itself: PARSED_SNAPSHOT x = NULL; lets go of it at the end of the block. */
struct libvirt_snapshot {
	char *parent, *state, *description;     /* or NULL */
	char *memory_file;                      /* or NULL */
	int64_t created;                        /* seconds since 1970 */
	bool memory, external;
	GPtrArray *kept;                        /* of char *: the targets of disks that it keeps */
	GPtrArray *overlays;                    /* of char *: the files that libvirt takes for those written to since */
	GPtrArray *disks;                       /* of struct libvirt_disk: its domain's then */
	GPtrArray *files, *networks;            /* of char *: that its domain needs to start */
};

struct libvirt_snapshot *libvirt_xml_snapshot (const char *xml);
void libvirt_snapshot_leave (struct libvirt_snapshot **);
#define PARSED_SNAPSHOT __attribute__ ((cleanup (libvirt_snapshot_leave))) struct libvirt_snapshot *

/* A <domainsnapshot> to be made. */
struct libvirt_snapshot_disk {
	const char *target;
	const char *mode;       /* "internal", "external", "no" */
	const char *overlay;    /* where it is external: the file to make */
};

char *libvirt_xml_new_snapshot (const char *name, const char *memory, const char *memory_file,
				const struct libvirt_snapshot_disk *disks, size_t n);

/* A <domainsnapshot> with another description; "" is none. */
char *libvirt_xml_described (const char *xml, const char *description);

/* What a <domaincheckpoint> says of itself: PARSED_CHECKPOINT x = NULL; lets go of it at the end of the block. */
struct libvirt_checkpoint_disk {
	char *target;
	char *bitmap;           /* its name, or NULL: the disk takes no part */
	bool sized;             /* SIZE is known: the bytes that changed since */
	uint64_t size;
};

struct libvirt_checkpoint {
	char *parent;           /* or NULL */
	int64_t created;        /* seconds since 1970 */
	GPtrArray *disks;       /* of struct libvirt_checkpoint_disk */
};

struct libvirt_checkpoint *libvirt_xml_checkpoint (const char *xml);
void libvirt_checkpoint_leave (struct libvirt_checkpoint **);
#define PARSED_CHECKPOINT __attribute__ ((cleanup (libvirt_checkpoint_leave))) struct libvirt_checkpoint *

/* A <domaincheckpoint> to be made; or, with the time it was CREATED, to be defined anew. */
struct libvirt_new_checkpoint {
	const char *name;
	const char *parent, *domain;    /* defined anew: its parent, and its domain's XML; or NULL */
	int64_t created;
};

struct libvirt_mark {
	const char *target;
	bool bitmap;            /* false: it takes no part */
};

char *libvirt_xml_new_checkpoint (const struct libvirt_new_checkpoint *, const struct libvirt_mark *disks, size_t n);

/* A <domainbackup> in pull mode. */
struct libvirt_backup_disk {
	const char *target;
	bool takes_part;
	const char *scratch;    /* NULL: it needs none */
	const char *since;      /* its export has a bitmap backup-TARGET, of what changed since that checkpoint; or NULL */
};

char *libvirt_xml_new_backup (const char *socket, const struct libvirt_backup_disk *disks, size_t n);

/* A <domainbackup> in push mode. */
struct libvirt_push_disk {
	const char *target;
	const char *file;       /* that libvirt makes and writes; NULL: it takes no part */
	const char *format;     /* "raw", "qcow2" */
	const char *since;      /* only what changed since that checkpoint; or NULL */
};

char *libvirt_xml_new_push (const struct libvirt_push_disk *disks, size_t n);
