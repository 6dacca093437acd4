/* libvirt-xml.c - libvirt's documents, read and written */

#include <string.h>

#include <glib.h>
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

bool libvirt_xml_has (const char *xml, const char *xpath)
{
	g_autoptr (xmlDoc) doc = parse (xml);
	g_autoptr (xmlXPathContext) context = doc ? xmlXPathNewContext (doc) : NULL;
	g_autoptr (xmlXPathObject) found = context ? xmlXPathEvalExpression (BAD_CAST xpath, context) : NULL;

	return found && !xmlXPathNodeSetIsEmpty (found->nodesetval);
}
