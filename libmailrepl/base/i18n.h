/* Messages go through gettext(3). _("…") translates now, N_("…") only marks a constant. */
#ifndef MR_BASE_I18N_H
#define MR_BASE_I18N_H

#include <libintl.h>

#define MR_TEXT_DOMAIN "mailrepl"
#define _(text) dgettext(MR_TEXT_DOMAIN, text)
#define N_(text) text

#endif
