/* backend.h - what a hypervisor can do, in names and text
 *
 * Only names cross this border, never handles: a backend looks its own objects
 * up and lets them go again within each call.  Calls may block and come from
 * many threads at once, but fs/ has at most one make, drop, revert, describe or
 * set_state in flight per domain.  The one object handed over is an image.
 * Names are as name_encode() shows them. */
#pragma once

#include "moments.h"

/* Bits of what an entry can. */
#define CAN(kind) (1u << (kind))
#define CAN_BITMAP CAN (N_MOMENTS)

/* Something that runs in a domain now, whoever began it. */
struct job {
	char operation[32];
	char name[256], owner[64];      /* of the moment; who began it: "domfs, pid 4711" */
	bool foreign;                   /* not begun by any domfs */
	bool stopped;                   /* it needs the domain to be off */
	bool held;                      /* until it goes on, nobody can ask the guest's QEMU */
	uint64_t done, total;           /* bytes; total 0: unknown */
	time_t began;                   /* 0: unknown */
};

struct backend_ops {
	const char *name;
	/* What it runs on, a line or two; and if it offers less than it could, why: a line each.
	 * Asks nobody. */
	void (*about) (struct backend *, GString *version, GString *lacks);
	int (*domains) (struct backend *, struct listing *, struct fault *);
	int (*xml) (struct backend *, const char *domain, GString *, struct fault *);
	/* As the definition has them: state is the format, text the file, can CAN_BITMAP if it could
	 * have bitmaps.  Asks no guest; the sizes do, and may wait behind a job. */
	int (*disks) (struct backend *, const char *domain, struct listing *, struct fault *);
	int (*sizes) (struct backend *, const char *domain, struct listing *, struct fault *);
	int (*set_state) (struct backend *, const char *domain, const char *state, struct fault *);
	/* What runs now; never waits behind a job.  How far, only if MEASURE: it may have to ask the
	 * guest's QEMU, and without it nobody is asked who might not answer. */
	int (*jobs) (struct backend *, const char *domain, bool measure, GArray *of_job, struct fault *);
	/* End the job NAME, which jobs() listed, as the user asked; returns when it has ended.
	 * EOPNOTSUPP if that cannot be cancelled. */
	int (*cancel) (struct backend *, const char *domain, const char *name, struct fault *);
	void (*close) (struct backend *);
};

/* What the command line says; it outlives the backend. */
struct setup {
	const char *source;
	const char *shown;              /* the same without a password, for everybody to see */
	const char *state;              /* the directory of the records */
	const char *scratch;            /* where backups keep old data; NULL: beside each image */
	const char *saves;              /* the directory of memory files */
	const char *run;                /* a directory for sockets; NULL: the domain's own */
	unsigned job_timeout;           /* seconds until a backup that nobody reads is ended; 0: never */
	uint64_t scratch_reserve;       /* bytes; 0: as the manual says */
	bool read_only;
	void (*changed) (const char *domain);   /* from any thread; NULL: domains came or went */
	/* The bytes of the qcow2 file of an image, of what is dirty if it is BACKED; a backup's make asks. */
	int (*thin) (struct image *, bool backed, uint64_t *bytes, struct fault *);
};

/* Embed this first.  A kind of moment that is NULL has no directory. */
struct backend {
	const struct backend_ops *ops;
	const struct moment_ops *moments[N_MOMENTS];
	const struct setup *setup;
};

/* The libraries it stands on with their versions, a line each; needs no hypervisor. */
void backend_libraries (GString *out);

/* The backend for setup->source, which has been reached once. */
int backend_open (const struct setup *, struct backend **, struct fault *);
