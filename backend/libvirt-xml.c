/* libvirt-xml.c - libvirt's documents, read and written
 *
 * Read through XPath, built node by node: libxml does all quoting.  Nothing outside
 * of a document is ever loaded, and no entities are replaced. */

#include <string.h>

#include <libxml/parser.h>
#include <libxml/xpath.h>

#include "libvirt-xml.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC (xmlDoc, xmlFreeDoc)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (xmlXPathContext, xmlXPathFreeContext)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (xmlXPathObject, xmlXPathFreeObject)

static xmlDoc *parse (const char *xml)
{
	return xmlReadMemory (xml, strlen (xml), NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
}

/* What XPATH finds from NODE on; NULL is from the root. */
static xmlXPathObject *find (xmlDoc *doc, xmlNode *node, const char *xpath)
{
	g_autoptr (xmlXPathContext) context = doc ? xmlXPathNewContext (doc) : NULL;

	if (!context)
		return NULL;
	context->node = node ? node : xmlDocGetRootElement (doc);
	return xmlXPathEvalExpression (BAD_CAST xpath, context);
}

static size_t count (const xmlXPathObject *found)
{
	return found && found->nodesetval ? found->nodesetval->nodeNr : 0;
}

static bool has (xmlDoc *doc, xmlNode *node, const char *xpath)
{
	g_autoptr (xmlXPathObject) found = find (doc, node, xpath);

	return count (found) > 0;
}

static char *text (xmlDoc *doc, xmlNode *node, const char *xpath)
{
	g_autoptr (xmlXPathObject) found = find (doc, node, xpath);
	xmlChar *content = count (found) > 0 ? xmlNodeGetContent (found->nodesetval->nodeTab[0]) : NULL;
	char *copy = g_strdup ((const char *) content);

	xmlFree (content);
	return copy;
}

bool libvirt_xml_has (const char *xml, const char *xpath)
{
	g_autoptr (xmlDoc) doc = parse (xml);

	return has (doc, NULL, xpath);
}

char *libvirt_xml_text (const char *xml, const char *xpath)
{
	g_autoptr (xmlDoc) doc = parse (xml);

	return text (doc, NULL, xpath);
}

static GPtrArray *texts (xmlDoc *doc, const char *xpath)
{
	g_autoptr (xmlXPathObject) found = find (doc, NULL, xpath);
	GPtrArray *all = g_ptr_array_new_with_free_func (g_free);

	for (size_t i = 0; i < count (found); i++) {
		xmlChar *content = xmlNodeGetContent (found->nodesetval->nodeTab[i]);

		g_ptr_array_add (all, g_strdup ((const char *) content));
		xmlFree (content);
	}
	return all;
}

static void disk_free (void *ptr)
{
	struct libvirt_disk *disk = ptr;

	g_free (disk->target);
	g_free (disk->device);
	g_free (disk->type);
	g_free (disk->format);
	g_free (disk->source);
	g_free (disk->snapshot);
	g_free (disk->mirror);
	g_free (disk);
}

/* What names it, by the first attribute that is there. */
static char *source_of (xmlDoc *doc, xmlNode *node)
{
	g_autofree char *pool = text (doc, node, "source/@pool"), *volume = text (doc, node, "source/@volume");
	g_autofree char *protocol = text (doc, node, "source/@protocol"), *name = text (doc, node, "source/@name");
	char *plain = text (doc, node, "source/@file | source/@dev | source/@dir");

	if (plain)
		return plain;
	if (protocol)
		return g_strdup_printf ("%s:%s", protocol, name ? name : "");
	return pool && volume ? g_strdup_printf ("%s/%s", pool, volume) : NULL;
}

static const char in_iothread[] = "self::*[driver/@iothread or driver/iothreads or target/@bus='scsi' and "
	"address/@controller=../controller[@type='scsi'][driver/@iothread or driver/iothreads]/@index]";

static struct libvirt_disk *disk_of (xmlDoc *doc, xmlNode *node)
{
	struct libvirt_disk *disk = g_new (struct libvirt_disk, 1);

	*disk = (struct libvirt_disk) {
		.target = text (doc, node, "target/@dev"), .device = text (doc, node, "@device"),
		.type = text (doc, node, "@type"), .format = text (doc, node, "driver/@type"),
		.source = source_of (doc, node), .snapshot = text (doc, node, "@snapshot"),
		.mirror = text (doc, node, "mirror/@job"), .readonly = has (doc, node, "readonly"),
		.transient = has (doc, node, "transient"), .iothread = has (doc, node, in_iothread),
	};
	if (!disk->device)
		disk->device = g_strdup ("disk");
	if (!disk->format)
		disk->format = g_strdup ("raw");
	return disk;
}

static GPtrArray *disks_of (xmlDoc *doc, const char *xpath)
{
	g_autoptr (xmlXPathObject) found = find (doc, NULL, xpath);
	GPtrArray *disks = g_ptr_array_new_with_free_func (disk_free);

	for (size_t i = 0; i < count (found); i++) {
		struct libvirt_disk *disk = disk_of (doc, found->nodesetval->nodeTab[i]);

		if (disk->target)
			g_ptr_array_add (disks, disk);
		else
			disk_free (disk);
	}
	return disks;
}

GPtrArray *libvirt_xml_disks (const char *xml)
{
	g_autoptr (xmlDoc) doc = parse (xml);

	return disks_of (doc, "/domain/devices/disk | /domaincheckpoint/domain/devices/disk");
}

GPtrArray *libvirt_xml_layers (const char *xml, const char *target)
{
	g_autoptr (xmlDoc) doc = parse (xml);
	g_autofree char *xpath = g_strdup_printf ("devices/disk[target/@dev='%s']/descendant::source[not (ancestor::mirror)]"
						  "/@*[name () = 'file' or name () = 'dev']", target);

	return texts (doc, xpath);
}

const struct libvirt_disk *libvirt_disk_find (const GPtrArray *disks, const char *target)
{
	for (guint i = 0; i < disks->len; i++) {
		const struct libvirt_disk *disk = disks->pdata[i];

		if (strcmp (disk->target, target) == 0)
			return disk;
	}
	return NULL;
}

bool libvirt_disk_is_written (const struct libvirt_disk *disk)
{
	return disk->source && !disk->readonly;
}

static int64_t number (xmlDoc *doc, const char *xpath)
{
	g_autofree char *digits = text (doc, NULL, xpath);

	return digits ? g_ascii_strtoll (digits, NULL, 10) : 0;
}

/* What QEMU opens when it starts, but for backing files. */
static const char needed[] = "domain/devices/disk/source/@file | domain/devices/disk/source/@dev | "
	"domain/os/kernel | domain/os/initrd | domain/os/dtb | domain/os/loader";

struct libvirt_snapshot *libvirt_xml_snapshot (const char *xml)
{
	g_autoptr (xmlDoc) doc = parse (xml);
	struct libvirt_snapshot *snapshot = g_new (struct libvirt_snapshot, 1);

	*snapshot = (struct libvirt_snapshot) {
		.parent = text (doc, NULL, "parent/name"), .state = text (doc, NULL, "state"),
		.description = text (doc, NULL, "description"), .memory_file = text (doc, NULL, "memory/@file"),
		.created = number (doc, "creationTime"), .memory = has (doc, NULL, "memory[@snapshot!='no']"),
		.external = has (doc, NULL, "memory[@snapshot='external'] | disks/disk[@snapshot='external']"),
		.kept = texts (doc, "disks/disk[@snapshot!='no']/@name"),
		.overlays = texts (doc, "revertDisks/disk/source/@file | disks[not(../revertDisks)]/disk/source/@file"),
		.disks = disks_of (doc, "domain/devices/disk"), .files = texts (doc, needed),
		.networks = texts (doc, "domain/devices/interface[@type='network']/source/@network"),
	};
	return snapshot;
}

void libvirt_snapshot_leave (struct libvirt_snapshot **parsed)
{
	struct libvirt_snapshot *snapshot = *parsed;

	if (!snapshot)
		return;
	g_free (snapshot->parent);
	g_free (snapshot->state);
	g_free (snapshot->description);
	g_free (snapshot->memory_file);
	g_ptr_array_unref (snapshot->kept);
	g_ptr_array_unref (snapshot->overlays);
	g_ptr_array_unref (snapshot->disks);
	g_ptr_array_unref (snapshot->files);
	g_ptr_array_unref (snapshot->networks);
	g_free (snapshot);
}

static void checkpoint_disk_free (void *ptr)
{
	struct libvirt_checkpoint_disk *disk = ptr;

	g_free (disk->target);
	g_free (disk->bitmap);
	g_free (disk);
}

static struct libvirt_checkpoint_disk *checkpoint_disk_of (xmlDoc *doc, xmlNode *node)
{
	struct libvirt_checkpoint_disk *disk = g_new (struct libvirt_checkpoint_disk, 1);
	g_autofree char *size = text (doc, node, "@size");

	*disk = (struct libvirt_checkpoint_disk) {
		.target = text (doc, node, "@name"), .bitmap = text (doc, node, "self::*[@checkpoint='bitmap']/@bitmap"),
		.sized = size != NULL, .size = size ? g_ascii_strtoull (size, NULL, 10) : 0,
	};
	return disk;
}

struct libvirt_checkpoint *libvirt_xml_checkpoint (const char *xml)
{
	g_autoptr (xmlDoc) doc = parse (xml);
	g_autoptr (xmlXPathObject) found = find (doc, NULL, "disks/disk[@name]");
	struct libvirt_checkpoint *checkpoint = g_new (struct libvirt_checkpoint, 1);

	*checkpoint = (struct libvirt_checkpoint) {
		.parent = text (doc, NULL, "parent/name"), .created = number (doc, "creationTime"),
		.disks = g_ptr_array_new_with_free_func (checkpoint_disk_free),
	};
	for (size_t i = 0; i < count (found); i++)
		g_ptr_array_add (checkpoint->disks, checkpoint_disk_of (doc, found->nodesetval->nodeTab[i]));
	return checkpoint;
}

void libvirt_checkpoint_leave (struct libvirt_checkpoint **parsed)
{
	if (!*parsed)
		return;
	g_free ((*parsed)->parent);
	g_ptr_array_unref ((*parsed)->disks);
	g_free (*parsed);
}

static char *written (xmlDoc *doc)
{
	xmlChar *content;
	char *copy;
	int len;

	xmlDocDumpMemoryEnc (doc, &content, &len, "UTF-8");
	copy = g_strdup ((const char *) content);
	xmlFree (content);
	return copy;
}

static void set (xmlNode *node, const char *attribute, const char *value)
{
	if (value)
		xmlNewProp (node, BAD_CAST attribute, BAD_CAST value);
}

static void add_disk (xmlNode *disks, const struct libvirt_snapshot_disk *disk)
{
	xmlNode *node = xmlNewChild (disks, NULL, BAD_CAST "disk", NULL);

	set (node, "name", disk->target);
	set (node, "snapshot", disk->mode);
	if (!disk->overlay)
		return;
	set (xmlNewChild (node, NULL, BAD_CAST "driver", NULL), "type", "qcow2");
	set (xmlNewChild (node, NULL, BAD_CAST "source", NULL), "file", disk->overlay);
}

char *libvirt_xml_new_snapshot (const char *name, const char *memory, const char *memory_file,
				const struct libvirt_snapshot_disk *disks, size_t n)
{
	g_autoptr (xmlDoc) doc = xmlNewDoc (BAD_CAST "1.0");
	xmlNode *root = xmlNewNode (NULL, BAD_CAST "domainsnapshot"), *node;

	xmlDocSetRootElement (doc, root);
	xmlNewTextChild (root, NULL, BAD_CAST "name", BAD_CAST name);
	node = xmlNewChild (root, NULL, BAD_CAST "memory", NULL);
	set (node, "snapshot", memory);
	set (node, "file", memory_file);
	node = n > 0 ? xmlNewChild (root, NULL, BAD_CAST "disks", NULL) : NULL;
	for (size_t i = 0; i < n; i++)
		add_disk (node, &disks[i]);
	return written (doc);
}

/* None of what XPATH finds may be in another. */
static void take_out (xmlDoc *doc, const char *xpath)
{
	g_autoptr (xmlXPathObject) found = find (doc, NULL, xpath);

	for (size_t i = 0; i < count (found); i++) {
		xmlUnlinkNode (found->nodesetval->nodeTab[i]);
		xmlFreeNode (found->nodesetval->nodeTab[i]);
		found->nodesetval->nodeTab[i] = NULL;
	}
}

char *libvirt_xml_definition (const char *xml)
{
	g_autoptr (xmlDoc) doc = parse (xml);

	if (!doc)
		return g_strdup (xml);
	take_out (doc, "devices/disk/backingStore | devices/disk/mirror");
	return written (doc);
}

char *libvirt_xml_described (const char *xml, const char *description)
{
	g_autoptr (xmlDoc) doc = parse (xml);

	if (!doc)
		return NULL;
	take_out (doc, "description");
	if (*description)
		xmlNewTextChild (xmlDocGetRootElement (doc), NULL, BAD_CAST "description", BAD_CAST description);
	return written (doc);
}

static void add_definition (xmlNode *root, const struct libvirt_new_checkpoint *new)
{
	g_autoptr (xmlDoc) domain = new->domain ? parse (new->domain) : NULL;
	g_autofree char *created = g_strdup_printf ("%" G_GINT64_FORMAT, new->created);

	if (new->created)
		xmlNewTextChild (root, NULL, BAD_CAST "creationTime", BAD_CAST created);
	if (new->parent)
		xmlNewTextChild (xmlNewChild (root, NULL, BAD_CAST "parent", NULL), NULL, BAD_CAST "name",
				 BAD_CAST new->parent);
	if (domain)
		xmlAddChild (root, xmlDocCopyNode (xmlDocGetRootElement (domain), root->doc, 1));
}

char *libvirt_xml_new_checkpoint (const struct libvirt_new_checkpoint *new, const struct libvirt_mark *disks, size_t n)
{
	g_autoptr (xmlDoc) doc = xmlNewDoc (BAD_CAST "1.0");
	xmlNode *root = xmlNewNode (NULL, BAD_CAST "domaincheckpoint"), *node;

	xmlDocSetRootElement (doc, root);
	xmlNewTextChild (root, NULL, BAD_CAST "name", BAD_CAST new->name);
	add_definition (root, new);
	node = xmlNewChild (root, NULL, BAD_CAST "disks", NULL);
	for (size_t i = 0; i < n; i++) {
		xmlNode *disk = xmlNewChild (node, NULL, BAD_CAST "disk", NULL);

		set (disk, "name", disks[i].target);
		set (disk, "checkpoint", disks[i].bitmap ? "bitmap" : "no");
	}
	return written (doc);
}

static void add_backed_up (xmlNode *disks, const struct libvirt_backup_disk *disk)
{
	xmlNode *node = xmlNewChild (disks, NULL, BAD_CAST "disk", NULL);
	g_autofree char *bitmap = disk->since ? g_strconcat ("backup-", disk->target, NULL) : NULL;

	set (node, "name", disk->target);
	set (node, "backup", disk->takes_part ? "yes" : "no");
	if (!disk->takes_part)
		return;
	set (node, "type", "file");
	set (node, "backupmode", disk->since ? "incremental" : "full");
	set (node, "incremental", disk->since);
	set (node, "exportname", disk->target);
	set (node, "exportbitmap", bitmap);
	if (disk->scratch)
		set (xmlNewChild (node, NULL, BAD_CAST "scratch", NULL), "file", disk->scratch);
}

static void add_pushed (xmlNode *disks, const struct libvirt_push_disk *disk)
{
	xmlNode *node = xmlNewChild (disks, NULL, BAD_CAST "disk", NULL);

	set (node, "name", disk->target);
	set (node, "backup", disk->file ? "yes" : "no");
	if (!disk->file)
		return;
	set (node, "type", "file");
	set (node, "backupmode", disk->since ? "incremental" : "full");
	set (node, "incremental", disk->since);
	set (xmlNewChild (node, NULL, BAD_CAST "driver", NULL), "type", disk->format);
	set (xmlNewChild (node, NULL, BAD_CAST "target", NULL), "file", disk->file);
}

char *libvirt_xml_new_push (const struct libvirt_push_disk *disks, size_t n)
{
	g_autoptr (xmlDoc) doc = xmlNewDoc (BAD_CAST "1.0");
	xmlNode *root = xmlNewNode (NULL, BAD_CAST "domainbackup"), *node;

	xmlDocSetRootElement (doc, root);
	set (root, "mode", "push");
	node = xmlNewChild (root, NULL, BAD_CAST "disks", NULL);
	for (size_t i = 0; i < n; i++)
		add_pushed (node, &disks[i]);
	return written (doc);
}

char *libvirt_xml_new_backup (const char *socket, const struct libvirt_backup_disk *disks, size_t n)
{
	g_autoptr (xmlDoc) doc = xmlNewDoc (BAD_CAST "1.0");
	xmlNode *root = xmlNewNode (NULL, BAD_CAST "domainbackup"), *node;

	xmlDocSetRootElement (doc, root);
	set (root, "mode", "pull");
	node = xmlNewChild (root, NULL, BAD_CAST "server", NULL);
	set (node, "transport", "unix");
	set (node, "socket", socket);
	node = xmlNewChild (root, NULL, BAD_CAST "disks", NULL);
	for (size_t i = 0; i < n; i++)
		add_backed_up (node, &disks[i]);
	return written (doc);
}
