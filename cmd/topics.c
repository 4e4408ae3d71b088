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
	  "    6  rate limited longer than --max-wait; the time is in the message and in next_at\n"
	  "   10  stopped at a limit of yours (--stop-*); muniment resume\n"
	  "   11  another process holds the batch; it is named\n"
	  "  129, 130, 143  ended by SIGHUP, SIGINT, SIGTERM; muniment resume\n"
	  "a person must look\n"
	  "    2  usage, missing consent or reason\n"
	  "    3  credentials: none, locked, refused\n"
	  "    4  policy refused, ours or the vendor's plan\n"
	  "    5  batch, plan, run or entry not found\n"
	  "    7  the input is invalid\n"
	  "    9  finished, but at least one item is not done: failed, cancelled, or skipped for\n"
	  "       anything but a duplicate\n"
	  "   13  something is in doubt; muniment resolve\n"
	  "   14  halted: wrong target, server, network or a guard\n"
	  "broken\n"
	  "    1  internal error, or output that cannot be written (a run finishes first)\n"
	  "   12  the journal cannot be opened, written or trusted\n"
	  "   15  verification failed\n"
	  "  141  a query whose reader closed the pipe\n"
	  "When several hold, the first of 12, 128+n, 14, 3, 4, 7, 6, 13, 10, 9, 0 wins.\n"
	  "A batch of one item ends as that item: not found 5, denied 3, rejected 7.\n"
	  "resolve and cancel end with 13 while something is in doubt, else 0; the exit in their "
	  "JSON\n"
	  "is the batch's. status of a batch ends with 0; the exit in its JSON is null while it "
	  "runs.\n" },
	{ "environment",
	  "An option that is not on the command line is taken from MUNIMENT_<OPTION>, in capitals "
	  "and\n"
	  "with _ for -: MUNIMENT_BASE_URL for --base-url. A flag is 1, true, yes, on or 0, false, "
	  "no,\n"
	  "off. From the command line only come --yes, --confirm, --assume, --allow-empty,\n"
	  "--keep-going, --accept-identity-change and its --reason, --all of resume, and the "
	  "filters\n"
	  "--org, --ticket, --operator, --label and --reason of queries.\n"
	  "\n"
	  "MUNIMENT_JOURNAL          the journal's directory\n"
	  "MUNIMENT_PASSPHRASE_FILE  holds the passphrase of the vault\n"
	  "CREDENTIALS_DIRECTORY     of systemd: muniment-passphrase in it is used the same way\n"
	  "TALLYFY_API_TOKEN         a token; needs no vault\n"
	  "TALLYFY_BASE_URL          as --base-url, asked after MUNIMENT_BASE_URL\n"
	  "XDG_DATA_HOME, HOME       where journal and vault are\n"
	  "NO_COLOR, TERM=dumb       no colour\n"
	  "LC_ALL, LC_CTYPE, LANG    where they do not say UTF-8, tables are in ASCII\n"
	  "TZ                        the zone of --tz local\n"
	  "https_proxy, no_proxy     as in curl; the proxy's host is said and recorded\n" },
	{ "files",
	  "${XDG_DATA_HOME:-~/.local/share}/muniment/journal  what was intended and what happened\n"
	  "${XDG_DATA_HOME:-~/.local/share}/muniment/vault    sealed tokens\n"
	  "\n"
	  "Directories are 0700. --journal DIR and --vault DIR name others. Commands that write "
	  "make\n"
	  "the journal and say where; queries never make one. The vault is no part of the journal "
	  "or\n"
	  "of its backup. NFS, SMB, 9p and FUSE are refused; on tmpfs and overlayfs a warning says "
	  "that\n"
	  "the journal may vanish.\n"
	  "\n"
	  "cp or rsync of a journal in use may be torn: muniment journal backup DIR makes a copy "
	  "and\n"
	  "verifies it. history, items, show, log and verify read a copy, also on a read-only "
	  "medium,\n"
	  "with --journal DIR; nothing is written there. A batch is held through a lock file "
	  "beside the\n"
	  "data; it dies with its process, so nothing has to be cleaned up after a crash.\n" },
	{ "manifest",
	  "A list of runs, given with --from FILE (- for stdin):\n"
	  "  ids    one id a line; empty lines and lines that begin with # are skipped\n"
	  "  csv    with a header; the id is in the column id, run_id or process_id, or "
	  "--id-column\n"
	  "  jsonl  one object or string a line\n"
	  "  json   an array of these, or what the vendor's own program prints for a process list\n"
	  "--format says which; auto looks at the list and says what it took it for.\n"
	  "\n"
	  "UTF-8, with or without byte order mark; LF or CRLF. UTF-16, NUL and control characters "
	  "are\n"
	  "refused with a byte offset. An id is 32 hexadecimal digits; upper case is folded and "
	  "said.\n"
	  "From a pasted Tallyfy URL the id is taken, and its organization must be the one asked "
	  "for. A\n"
	  "JSON number is no id.\n"
	  "\n"
	  "Columns reason and ticket override the batch's for their row. Other columns are kept "
	  "beside\n"
	  "the item; name is shown in histories. They are no evidence.\n"
	  "\n"
	  "All rows are checked before anything is stored, and all bad ones are reported together "
	  "(7).\n"
	  "Duplicates are skipped and counted. An empty list is an error unless --allow-empty.\n" },
	{ "rate-limits",
	  "--rate N/WINDOW,... such as 10/5s,90/m,900/h (the default): N requests in each window "
	  "of\n"
	  "[K]s, m, h or d. none turns the windows off.\n"
	  "\n"
	  "Windows slide: a request may go when every window has room; reads count too. They are "
	  "kept\n"
	  "in the journal for each base URL and organization, so they hold over restarts and for "
	  "all\n"
	  "processes that use it. A batch keeps the rate it was started with until a resume is "
	  "given\n"
	  "another. muniment status BATCH shows what is used and when the next request may go.\n"
	  "\n"
	  "A 429 holds back every request, with --rate none too, until the time that the server "
	  "gives,\n"
	  "and costs no attempt. A wait longer than --max-wait ends the run with exit status 6. "
	  "Waits\n"
	  "for windows of ours are not counted.\n" },
	{ "in-doubt",
	  "An item is in doubt when a request was sent, or perhaps sent, and its outcome is not "
	  "known.\n"
	  "Nothing is sent again for that run, in any batch, until a read has told what is true, "
	  "or you\n"
	  "decide:\n"
	  "  muniment resume BATCH    asks first, then goes on\n"
	  "  muniment resolve BATCH   asks only\n"
	  "  muniment resolve BATCH RUN --assume archived --reason TEXT\n"
	  "                           records your decision; not-archived makes the item pending "
	  "again,\n"
	  "                           and it is asked about once more before anything is sent\n"
	  "For a restore the words are active and not-active. RUN may be left out when exactly one "
	  "item\n"
	  "is in doubt. \"Nothing happened\" is believed when a read at least --settle (60s) after "
	  "the\n"
	  "request still says so.\n"
	  "\n"
	  "While anything is in doubt the exit status is 13. muniment items BATCH --state in_doubt "
	  "lists\n"
	  "the items; muniment status BATCH and muniment doctor say since when.\n" },
	{ "signals",
	  "SIGINT, SIGTERM, SIGHUP  first: nothing new is sent, what is in flight is awaited and\n"
	  "                         recorded; second: it is given up and recorded as in doubt;\n"
	  "                         third: leaves at once\n"
	  "                         After the first two the program ends by the same signal, so "
	  "that\n"
	  "                         shells and systemd see it. A SIGHUP that was ignored at the "
	  "start\n"
	  "                         (nohup) stays ignored.\n"
	  "SIGUSR1                  one status line on stderr, with -q too\n"
	  "SIGPIPE                  ignored; a query whose reader is gone ends with 141, a run "
	  "goes on\n"
	  "SIGKILL                  loses nothing that was recorded; muniment resume asks the "
	  "server\n"
	  "                         about what was in flight\n" },
	{ "formats",
	  "-o table  for people: foreign text is made visible, columns are aligned, times follow "
	  "--tz\n"
	  "-o json   list commands print one array, others one object, whatever the count\n"
	  "-o jsonl  one object a line, as it comes; run, archive, restore and resume print a row "
	  "as\n"
	  "          history has it for each attempt that is finished, then the batch\n"
	  "-o csv    RFC 4180 with a header; cells that begin with = + - @ TAB or CR get a ' in\n"
	  "          front, unless --csv-raw\n"
	  "-o ids    of items: run ids, one a line, for --from -\n"
	  "--json is -o json, ndjson is jsonl. --fields chooses columns, or with json members of "
	  "an\n"
	  "object; run -o jsonl applies it to the rows, the batch comes whole. A field without a "
	  "value is\n"
	  "null, never absent; new fields are only ever added at the end. Times are RFC 3339 in "
	  "UTC with\n"
	  "microseconds, durations milliseconds, ids strings. resume --all -o json prints an array "
	  "of\n"
	  "batches.\n"
	  "\n"
	  "stdout carries data only, stderr everything else. A spreadsheet still mangles ids that "
	  "look\n"
	  "like a number (all digits, or digits and an e): keep the JSONL as evidence.\n"
	  "\n"
	  "--progress json prints objects on stderr, one a line, the last with "
	  "\"type\":\"summary\".\n" },
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
