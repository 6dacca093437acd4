/* libvirt-xml.h - libvirt's documents, read and written
 *
 * Nobody else sees markup.  Documents come from libvirt, and so are trusted to be
 * well-formed, but never to be small or to name only what we know. */
#pragma once

#include <stdbool.h>

/* Does XPATH find anything in XML? */
bool libvirt_xml_has (const char *xml, const char *xpath);
