/* tree.c - the namespace: this table is the file system */

#include "about.h"
#include "backup.h"
#include "checkpoint.h"
#include "disk.h"
#include "domain.h"
#include "errors.h"
#include "history.h"
#include "job.h"
#include "keep.h"
#include "moment.h"
#include "options.h"
#include "tree.h"

#define D S_IFDIR
#define F S_IFREG
#define L S_IFLNK
#define MOMENTS .list = moment_list, .make = moment_make, .drop = moment_drop
#define OPTION  .show = option_show, .store = option_store
#define DISK    .open = disk_open, .stat = disk_stat

/* Nobody else may look inside: images, memory and XML are a guest's secrets.  What
 * mv takes to current/ must be writable itself, or the kernel refuses its owner. */

/* clang-format off */

/* What a snapshot holds, twice: current/ has a twin of one. */
#define SNAPSHOT_ROWS \
	{ "        snapshot.xml",     F|0440, .ask = moment_xml }, \
	{ "        state",            F|0440, .show = moment_state }, \
	{ "        description",      F|0640, .show = moment_description, .store = moment_describe, .change = true }, \
	{ "        parent",           L|0777, .show = moment_parent, .when = moment_has_parent }, \
	{ "        <disk>",           F|0440, DISK }

const struct row tree[] = {
	{ "/",                        D|0750, .list = domain_list },
	{ "  .domfs",                 D|0750 },
	{ "    README",               F|0440, .show = about_readme },
	{ "    version",              F|0440, .show = about_version },
	{ "    source",               F|0440, .show = about_source },
	{ "    errors",               F|0440, .show = errors_all },
	{ "  <domain>",               D|0750 },
	{ "    domain.xml",           F|0440, .ask = domain_xml },
	{ "    disks",                F|0440, .ask = domain_disks, .stat = domain_disks_stat },
	{ "    state",                F|0640, .show = domain_state, .store = domain_set_state, .change = true },
	{ "    job",                  F|0640, .ask = job_show, .stat = job_stat, .store = job_cancel },
	{ "    error",                F|0440, .show = errors_last },
	{ "    tree",                 F|0440, SNAPSHOT, .show = history_show },
	{ "    options",              D|0750 },
	{ "      memory",             F|0640, SNAPSHOT, OPTION },
	{ "      storage",            F|0640, SNAPSHOT, OPTION },
	{ "      disks",              F|0640, OPTION },
	{ "      target",             F|0640, BACKUP, OPTION },
	{ "      after-revert",       F|0640, SNAPSHOT, OPTION },
	{ "      force",              F|0640, OPTION },
	{ "    snapshots",            D|0750, SNAPSHOT, MOMENTS },
	{ "      <snapshot>",         D|0750, .list = disk_list },
	SNAPSHOT_ROWS,
	{ "    current",              D|0750, SNAPSHOT, .list = moment_current, .move = moment_revert },
	{ "      <snapshot>",         D|0750, .list = disk_list },
	SNAPSHOT_ROWS,
	{ "    checkpoints",          D|0750, CHECKPOINT, MOMENTS },
	{ "      <checkpoint>",       D|0750 },
	{ "        checkpoint.xml",   F|0440, .ask = moment_xml },
	{ "        parent",           L|0777, .show = moment_parent, .when = moment_has_parent },
	{ "        status",           F|0440, .ask = checkpoint_status, .stat = checkpoint_status_stat },
	{ "        changed",          F|0440, .ask = checkpoint_changed, .stat = checkpoint_changed_stat },
	{ "    backups",              D|0750, BACKUP, MOMENTS },
	{ "      <backup>",           D|0750, .list = disk_list },
	{ "        backup.xml",       F|0440, .ask = moment_xml },
	{ "        domain.xml",       F|0440, .ask = moment_domain_xml },
	{ "        type",             F|0440, .show = backup_type },
	{ "        nvram",            F|0440, .ask = backup_nvram, .stat = backup_nvram_stat, .when = backup_has_nvram },
	{ "        checkpoint.xml",   F|0440, .ask = backup_checkpoint, .when = backup_leaves },
	{ "        keep",             F|0640, .show = keep_show, .store = keep_store, .when = backup_leaves },
	{ "        <disk>",           F|0440, DISK },
	{ NULL }
};
/* clang-format on */
