/* libvirt-xml.c - documents of libvirt's kind, whole and broken */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libvirt-xml.h"

static const char domain[] =
	"<domain type='qemu'>\n"
	"  <name>web</name>\n"
	"  <devices>\n"
	"    <disk type='file' device='disk'>\n"
	"      <driver name='qemu' type='qcow2'/><source file='/img/a&amp;b.qcow2' index='2'/><target dev='vda' bus='virtio'/>\n"
	"      <backingStore type='file'><format type='raw'/><source file='/img/base.raw'/></backingStore>\n"
	"      <mirror type='file' job='copy' ready='yes'><source file='/img/copy'/></mirror>\n"
	"    </disk>\n"
	"    <disk type='block' device='lun' snapshot='no'><source dev='/dev/sdx'/><target dev='sda'/><transient/></disk>\n"
	"    <disk type='network'><driver type='raw'/><source protocol='nbd' name='x'/><target dev='vdb'/></disk>\n"
	"    <disk type='volume'><source pool='default' volume='v'/><target dev='vdc'/></disk>\n"
	"    <disk type='file' device='cdrom'><target dev='sdb'/><readonly/></disk>\n"
	"    <disk type='file'><source file='/img/nowhere'/></disk>\n"
	"  </devices>\n"
	"</domain>\n";

static void a_drive_is_read_as_it_is_defined (void **state)
{
	g_autoptr (GPtrArray) disks = libvirt_xml_disks (domain);
	const struct libvirt_disk *vda = libvirt_disk_find (disks, "vda"), *sda = libvirt_disk_find (disks, "sda");

	(void) state;
	assert_int_equal (disks->len, 5);               /* one without a target is none */
	assert_string_equal (vda->source, "/img/a&b.qcow2");
	assert_string_equal (vda->format, "qcow2");
	assert_string_equal (vda->device, "disk");
	assert_string_equal (vda->mirror, "copy");
	assert_false (vda->readonly);
	assert_string_equal (sda->source, "/dev/sdx");
	assert_string_equal (sda->format, "raw");
	assert_string_equal (sda->snapshot, "no");
	assert_true (sda->transient);
	assert_string_equal (libvirt_disk_find (disks, "vdb")->source, "nbd:x");
	assert_string_equal (libvirt_disk_find (disks, "vdc")->source, "default/v");
	assert_null (libvirt_disk_find (disks, "vdz"));
}

static void what_is_empty_or_read_only_is_not_written (void **state)
{
	g_autoptr (GPtrArray) disks = libvirt_xml_disks (domain);

	(void) state;
	assert_true (libvirt_disk_is_written (libvirt_disk_find (disks, "vda")));
	assert_null (libvirt_disk_find (disks, "sdb")->source);
	assert_false (libvirt_disk_is_written (libvirt_disk_find (disks, "sdb")));
}

static const char external[] =
	"<domainsnapshot><name>s</name><state>running</state><creationTime>1700000000</creationTime>"
	"<description>what &lt;for&gt;</description><parent><name>r</name></parent>"
	"<memory snapshot='external' file='/saves/s.memory'/>"
	"<disks><disk name='vda' snapshot='external' type='file'><source file='/img/vda.s'/></disk>"
	"<disk name='sdb' snapshot='no'/></disks>"
	"<domain><os><kernel>/boot/vmlinuz</kernel></os><devices>"
	"<disk type='file'><source file='/img/vda'/><target dev='vda'/></disk>"
	"<interface type='network'><source network='default'/></interface><interface type='user'/></devices></domain>"
	"</domainsnapshot>";

static void a_snapshot_says_what_it_keeps (void **state)
{
	PARSED_SNAPSHOT s = libvirt_xml_snapshot (external);

	(void) state;
	assert_string_equal (s->parent, "r");
	assert_string_equal (s->state, "running");
	assert_string_equal (s->description, "what <for>");
	assert_string_equal (s->memory_file, "/saves/s.memory");
	assert_int_equal (s->created, 1700000000);
	assert_true (s->external);
	assert_int_equal (s->kept->len, 1);
	assert_string_equal (s->kept->pdata[0], "vda");
	assert_string_equal (libvirt_disk_find (s->disks, "vda")->source, "/img/vda");  /* where its bytes are */
	assert_int_equal (s->files->len, 2);
	assert_string_equal (s->files->pdata[0], "/boot/vmlinuz");
	assert_int_equal (s->networks->len, 1);
	assert_string_equal (s->networks->pdata[0], "default");
}

static void a_new_snapshot_is_quoted (void **state)
{
	static const struct libvirt_snapshot_disk disks[] = {
		{ "vda", "external", "/img/<\"a\" & 'b'>.s" }, { "vdb", "no", NULL },
	};
	g_autofree char *xml = libvirt_xml_new_snapshot ("s&<>", "external", "/saves/'s'", disks, 2);
	g_autofree char *name = libvirt_xml_text (xml, "/domainsnapshot/name");
	g_autofree char *file = libvirt_xml_text (xml, "/domainsnapshot/disks/disk[@name='vda']/source/@file");
	PARSED_SNAPSHOT s = libvirt_xml_snapshot (xml);

	(void) state;
	assert_string_equal (name, "s&<>");
	assert_string_equal (file, "/img/<\"a\" & 'b'>.s");
	assert_string_equal (s->memory_file, "/saves/'s'");
	assert_true (libvirt_xml_has (xml, "/domainsnapshot/disks/disk[@name='vda']/driver[@type='qcow2']"));
	assert_false (libvirt_xml_has (xml, "/domainsnapshot/disks/disk[@name='vdb']/source"));
}

static void a_description_replaces_the_one_before (void **state)
{
	g_autofree char *xml = libvirt_xml_described (external, "a & b");
	g_autofree char *none = libvirt_xml_described (xml, "");
	PARSED_SNAPSHOT s = libvirt_xml_snapshot (xml);

	(void) state;
	assert_string_equal (s->description, "a & b");
	assert_int_equal (s->created, 1700000000);
	assert_false (libvirt_xml_has (xml, "/domainsnapshot/description[2]"));
	assert_false (libvirt_xml_has (none, "/domainsnapshot/description"));
	assert_true (libvirt_xml_has (none, "/domainsnapshot/domain/devices/disk"));
}

static void a_checkpoint_says_what_has_a_bitmap (void **state)
{
	PARSED_CHECKPOINT c = libvirt_xml_checkpoint (
		"<domaincheckpoint><name>c</name><parent><name>a..b</name></parent><creationTime>1700000000</creationTime>"
		"<disks><disk name='vda' checkpoint='bitmap' bitmap='c' size='65536'/><disk name='vdb' checkpoint='bitmap' bitmap='c'/>"
		"<disk name='vdc' checkpoint='no'/></disks></domaincheckpoint>");
	const struct libvirt_checkpoint_disk *vda = c->disks->pdata[0], *vdb = c->disks->pdata[1], *vdc = c->disks->pdata[2];

	(void) state;
	assert_string_equal (c->parent, "a..b");
	assert_int_equal (c->created, 1700000000);
	assert_int_equal (c->disks->len, 3);
	assert_string_equal (vda->target, "vda");
	assert_string_equal (vda->bitmap, "c");
	assert_true (vda->sized);
	assert_int_equal (vda->size, 65536);
	assert_string_equal (vdb->bitmap, "c");
	assert_false (vdb->sized);
	assert_null (vdc->bitmap);
}

static void a_new_checkpoint_names_each_disk (void **state)
{
	static const struct libvirt_mark disks[] = { { "vda", true }, { "vdb", false } };
	const struct libvirt_new_checkpoint new = { .name = "c" }, anew = { "c", "a&b", domain, 1700000000 };
	g_autofree char *first = libvirt_xml_new_checkpoint (&new, disks, 2);
	g_autofree char *second = libvirt_xml_new_checkpoint (&anew, disks, 2);
	PARSED_CHECKPOINT c = libvirt_xml_checkpoint (second);

	(void) state;
	assert_true (libvirt_xml_has (first, "/domaincheckpoint[name='c']/disks/disk[@name='vda' and @checkpoint='bitmap']"));
	assert_true (libvirt_xml_has (first, "/domaincheckpoint/disks/disk[@name='vdb' and @checkpoint='no']"));
	assert_false (libvirt_xml_has (first, "/domaincheckpoint/parent | /domaincheckpoint/creationTime | //domain"));
	assert_string_equal (c->parent, "a&b");
	assert_int_equal (c->created, 1700000000);
	assert_true (libvirt_xml_has (second, "/domaincheckpoint/domain/devices/disk/target[@dev='vda']"));
}

static void a_disk_of_a_backup_counts_or_is_full_or_takes_no_part (void **state)
{
	const struct libvirt_backup_disk disks[] = {
		{ "vda", true, "/img/vda.scratch", "a.b" }, { "vdb", true, "/img/vdb.scratch", NULL }, { "vdc" },
	};
	g_autofree char *xml = libvirt_xml_new_backup ("/run/<s>", disks, G_N_ELEMENTS (disks));
	g_autofree char *socket = libvirt_xml_text (xml, "server/@socket");

	(void) state;
	assert_string_equal (socket, "/run/<s>");
	assert_true (libvirt_xml_has (xml, "disks/disk[@name='vda'][@backupmode='incremental'][@incremental='a.b']"
				      "[@exportname='vda'][@exportbitmap='backup-vda']"));
	assert_true (libvirt_xml_has (xml, "disks/disk[@name='vdb'][@backupmode='full'][not(@incremental)]"
				      "[@exportname='vdb'][not(@exportbitmap)]"));
	assert_true (libvirt_xml_has (xml, "disks/disk[@name='vdc'][@backup='no'][not(@backupmode)]"));
}

/* Each is read without harm, and nothing is found in it. */
static void what_is_no_document_is_empty (void **state)
{
	static const char *const broken[] = {
		"", "x", "<domain", "<domain><devices><disk>", "<a/><b/>", "<other><devices><disk/></devices></other>",
		"<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><domainsnapshot><state>&e;</state></domainsnapshot>",
		"<!DOCTYPE d [<!ENTITY a 'aaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><domainsnapshot><state>&b;</state></domainsnapshot>",
	};

	(void) state;
	for (size_t i = 0; i < G_N_ELEMENTS (broken); i++) {
		g_autoptr (GPtrArray) disks = libvirt_xml_disks (broken[i]);
		PARSED_SNAPSHOT s = libvirt_xml_snapshot (broken[i]);
		PARSED_CHECKPOINT c = libvirt_xml_checkpoint (broken[i]);

		assert_int_equal (disks->len, 0);
		assert_int_equal (s->kept->len, 0);
		assert_int_equal (c->disks->len, 0);
		assert_null (s->parent);
		assert_true (!s->state || !strstr (s->state, "root:"));
	}
}

static void what_an_image_rests_on_is_no_part_of_a_definition (void **state)
{
	g_autofree char *defined = libvirt_xml_definition (domain), *broken = libvirt_xml_definition ("<domain>");
	g_autoptr (GPtrArray) disks = libvirt_xml_disks (defined);

	(void) state;
	assert_false (libvirt_xml_has (defined, "//backingStore | //mirror"));
	assert_int_equal (disks->len, 5);
	assert_string_equal (libvirt_disk_find (disks, "vda")->source, "/img/a&b.qcow2");
	assert_string_equal (broken, "<domain>");
}

int main (void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test (a_drive_is_read_as_it_is_defined),
		cmocka_unit_test (what_an_image_rests_on_is_no_part_of_a_definition),
		cmocka_unit_test (what_is_empty_or_read_only_is_not_written),
		cmocka_unit_test (a_snapshot_says_what_it_keeps),
		cmocka_unit_test (a_new_snapshot_is_quoted),
		cmocka_unit_test (a_description_replaces_the_one_before),
		cmocka_unit_test (a_checkpoint_says_what_has_a_bitmap),
		cmocka_unit_test (a_new_checkpoint_names_each_disk),
		cmocka_unit_test (a_disk_of_a_backup_counts_or_is_full_or_takes_no_part),
		cmocka_unit_test (what_is_no_document_is_empty),
	};

	return cmocka_run_group_tests (tests, NULL, NULL);
}
