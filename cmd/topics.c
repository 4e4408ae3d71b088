/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cmd/help.h"

struct topic {
	const char *name, *text;
};

static const struct topic topics[] = {
	{ "exit-codes",
	  "done\n"
	  "    0  all done, nothing in doubt\n"
	  "again later\n"
	  "    6  rate limited longer than --max-wait\n"
	  "   10  stopped at a limit of yours (--stop-*); muniment resume\n"
	  "   11  another process holds the batch\n"
	  "  129, 130, 143  ended by SIGHUP, SIGINT, SIGTERM; muniment resume\n"
	  "a person must look\n"
	  "    2  usage, missing consent or reason\n"
	  "    3  credentials: none, locked, refused\n"
	  "    4  policy refused, ours or the vendor's plan\n"
	  "    5  batch, plan, run or entry not found\n"
	  "    7  the input is invalid\n"
	  "    9  finished, but at least one item is not done\n"
	  "   13  something is in doubt; muniment resolve\n"
	  "   14  halted: wrong target, server, network or a guard\n"
	  "broken\n"
	  "    1  internal error, or output that cannot be written\n"
	  "   12  the journal cannot be opened, written or trusted\n"
	  "   15  verification failed\n"
	  "  141  a query whose reader closed the pipe\n"
	  "When several hold, the first of 12, 128+n, 14, 3, 4, 7, 6, 13, 10, 9, 0 wins.\n"
	  "A batch of one item ends as that item: not found 5, denied 3, rejected 7.\n" },
	{ "environment",
	  "MUNIMENT_<OPTION> gives an option that is not on the command line, in capitals and "
	  "with\n"
	  "_ for -: MUNIMENT_BASE_URL for --base-url. A flag is 1, true, yes, on or 0, false, no,\n"
	  "off. From the command line only come --yes, --confirm, --assume, --allow-empty,\n"
	  "--keep-going, --accept-identity-change, and the filters --org, --ticket, --operator,\n"
	  "--label and --reason of queries.\n\n"
	  "MUNIMENT_JOURNAL          the journal's directory\n"
	  "MUNIMENT_PASSPHRASE_FILE  holds the passphrase of the vault\n"
	  "CREDENTIALS_DIRECTORY     of systemd: muniment-passphrase in it is used the same way\n"
	  "TALLYFY_API_TOKEN         a token; needs no vault\n"
	  "TALLYFY_BASE_URL          as --base-url\n"
	  "XDG_DATA_HOME, HOME       where journal and vault are\n"
	  "NO_COLOR, TERM=dumb       no colour\n"
	  "https_proxy, no_proxy     as in curl\n" },
	{ "files",
	  "${XDG_DATA_HOME:-~/.local/share}/muniment/journal  what was intended and what happened\n"
	  "${XDG_DATA_HOME:-~/.local/share}/muniment/vault    sealed tokens\n"
	  "${XDG_STATE_HOME:-~/.local/state}/muniment         high-water marks\n\n"
	  "Directories are 0700. --journal DIR and --vault DIR name others. Commands that write "
	  "make\n"
	  "the journal and say where; queries never make one. NFS, SMB, 9p and FUSE are "
	  "refused.\n" },
	{ "manifest",
	  "A list of runs, given with --from FILE (- for stdin):\n"
	  "  ids    one id a line; empty lines and lines that begin with # are skipped\n"
	  "  csv    with a header; the id is in the column id, run_id or process_id, or "
	  "--id-column\n"
	  "  jsonl  one object or string a line\n"
	  "  json   an array of these, or what the vendor's own program prints for a process list\n"
	  "UTF-8. An id is 32 hexadecimal digits; a pasted Tallyfy URL works too. Columns reason "
	  "and\n"
	  "ticket override the batch's for their row. All rows are checked before anything is "
	  "stored;\n"
	  "duplicates are skipped and counted.\n" },
	{ "rate-limits",
	  "--rate N/WINDOW,... such as 10/5s,90/m,900/h (the default); none turns the windows "
	  "off.\n"
	  "Windows slide: a request may go when every window has room; reads count too. They are "
	  "kept\n"
	  "in the journal for each base URL and organization, so they hold over restarts and for "
	  "all\n"
	  "processes that use it. A 429 holds back every request, with --rate none too, until the\n"
	  "time that the server gives. A wait longer than --max-wait ends the run with exit status "
	  "6.\n" },
	{ "in-doubt",
	  "An item is in doubt when a request was sent, or perhaps sent, and its outcome is not "
	  "known.\n"
	  "Nothing is sent again for that run until a read has told what is true, or you decide:\n"
	  "  muniment resume BATCH    asks first, then goes on\n"
	  "  muniment resolve BATCH   asks only\n"
	  "  muniment resolve BATCH RUN --assume archived --reason ...   records your decision\n"
	  "While anything is in doubt the exit status is 13.\n" },
	{ "signals",
	  "SIGINT, SIGTERM, SIGHUP  first: nothing new is sent, what is in flight is awaited and\n"
	  "                         recorded; second: it is given up and recorded as in doubt;\n"
	  "                         third: leaves at once\n"
	  "SIGUSR1                  one status line on stderr\n"
	  "SIGPIPE                  ignored; a query whose reader is gone ends with 141\n" },
	{ "formats",
	  "-o table  for people: foreign text is made visible, columns are aligned\n"
	  "-o json   list commands print one array, others one object\n"
	  "-o jsonl  one object a line, as it comes\n"
	  "-o csv    RFC 4180 with a header; cells that begin with = + - @ TAB or CR get a ' in\n"
	  "          front, unless --csv-raw\n"
	  "-o ids    of items: run ids, one a line, for --from -\n"
	  "A field without a value is null. Times are RFC 3339 in UTC, durations milliseconds.\n" },
};

const char *mun_topic_text(const char *topic)
{
	for (size_t i = 0; i < MUN_ARRAY_LEN(topics); i++)
		if (strcmp(topics[i].name, topic) == 0)
			return topics[i].text;
	return NULL;
}

void mun_topic_names(FILE *out)
{
	for (size_t i = 0; i < MUN_ARRAY_LEN(topics); i++)
		(void)fprintf(out, "%s%s", i ? " " : "", topics[i].name);
}
