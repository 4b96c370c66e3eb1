// Package internal is where srcmend's packages live. It holds no code: this
// page is the architecture, and the test beside it holds the layers.
//
// # What srcmend does
//
// A release that does not build here is made to build: its source is fetched
// and verified, the fixes that this version needs on this platform are
// applied, configure and gmake are run, and what was done is recorded. A step
// that goes red is diagnosed from its log.
//
//	recipe ──► plan ──► work: fetch ► unpack ► patch ► configure ► make ► install ──► receipt
//	                                                      │
//	                                                      └─ red: log ─► signature ─► cause and remedy
//
// # The floors
//
// A package imports only packages of lower floors. The table is in
// layers_test.go, whose test reads the imports of every file against it. To add
// a package, add its line there first.
//
// On floor 0 nothing knows of the others. version orders upstream versions.
// platform says what "here" is. buildlog reads and cleans a build's output.
// tree is a source tree that nothing leaves. snapshot keeps what a folder holds, to be put
// back exactly. distfile is the store of archives
// and patches, each known by what proves it. event is the stream of what
// happened. yamlfile reads YAML and reports every mistake with its place. relay runs a
// command as if it stood alone, and listens. jobserver shares the cores among builds.
//
// On floor 1 are the things themselves: a recipe, a patch, an archive, a git
// repository (gitrepo), the running of a command (build), the catalogue of errors
// (signature), the table of what headers declare (header), what make could not
// make (target), how a build was configured (setup). They do not know each other
// either; what a recipe's lint needs of patches and signatures it is handed as
// functions. A tree, an archive and a commit
// are sources of files alike, and a patch is judged by any of them.
//
// On floor 2, plan turns a recipe into a value that says all that will be
// done; fetch gets a distfile from the first source that has the right bytes;
// history keeps what was done; series puts the patches of a quilt series into a
// tree, and keeps the record of them there; upstream asks a repository's history;
// diagnosis says why a build failed, by its log.
//
// On floor 3, work carries out one plan, and check answers which fixes a release
// needs. mend, on floor 4, makes a failed build go on; it works on a tree and a failed command,
// so that the verbs build and run share it. verify, on floor 4 too, proves what recipes claim.
// report, on floor 5, renders events and answers.
// The roof, cmd/srcmend, reads flags and puts the parts together; the data
// folders recipes and patches are embedded there.
//
// # One build, followed through
//
// "srcmend build dovecot@2.3.19.1" loads one recipe (no other is read), looks
// at the platform, and makes the plan: pure, printable (--dry-run), hashed. A
// history attempt is opened. If the receipt below the prefix has the plan's
// hash and the files match it, that is all.
//
// Otherwise work takes the lock of its folder and loads state.json. Steps
// that an earlier run finished are skipped. fetch asks the store, DISTDIR and
// the recipe's sources in turn; the store takes only what matches the sha256.
// The archive is unpacked into a folder that gets its name when it is whole.
// Each fix is judged by the tree itself and applied, all files or none.
//
// A command runs under a supervisor, a second process of the same program for many of them, in
// a process group of its own, writing straight into its log file. The
// supervisor ends the group in good order when srcmend ends for whatever
// reason, and leaves a status file; the next run reads from it whether the
// tree can be trusted. It also holds the work folder's lock until then.
//
// install stages below DESTDIR. Only when all is staged are files put below
// the prefix, each by a rename, and the receipt last.
//
// # One patch, followed through
//
// "srcmend patch -i fix.patch" parses the text: patch's own scanner finds the
// mails, the files and the hunks, mends small damages and says so, and go-gitdiff
// reads the hunks once more; the two must agree. The tree is locked. In a draft,
// which is a tree with changes that nobody else can see, the patch is put in, and
// taken out, with all of its context, and the two trials are the verdict. Only if it
// is needed, or in conflict and the user allows for less, does the draft become an
// edit of the tree: all new contents are written into one folder beside a journal,
// and renamed; after a kill the next to open the tree finds the journal and finishes
// or undoes. A series is the same, with many patches in one draft, and one edit.
//
// # One question, followed through
//
// "srcmend check dovecot@2.3.4" loads one recipe. If the release's archive is in the
// store, it is read once, and only the files are kept whose names a patch has; else the
// tag of the upstream's repository is the source, if that is at hand. For each fix a
// draft is made over that source, and the patch is tried in it, in and out. A mail that
// fits neither way is looked for in the tag's history: a commit that makes the same
// change says that the release has it. The verdict is held against the recipe's range,
// and the platform against what the fix says of where. With --all this is done for every
// release, and what they say is put together to ranges; recipe lint --deep does the
// same and compares.
//
// # One error, followed through
//
// "srcmend diagnose build.log" reads the catalogue: the shipped signatures, and those of the
// user's folders over them. Of each pattern it works out pieces of plain text, one of which
// every line has that it matches; all pieces together make the gate. The log is read once,
// by the megabyte, and the gate stops at the few lines that have a piece; only there the
// patterns of that piece are tried, over the line without colours and with one kind of
// quotation marks. What they capture is kept with the lines around it and the folder that
// make was in, as far as bounds allow. Then diagnosis looks for the line in which the build
// was given up, leaves out what was only tried or passed over, and puts first what is most
// telling of what was said of the unit that failed. "srcmend run" is the same, with the log
// read while the command writes it.
//
// # One name, followed through
//
// "'SIGKILL' undeclared" names what some header declares. The table has all names of ISO C,
// POSIX, Linux, the BSDs and C++ by the header that declares them, as far as systems differ
// with the system, and says which macro a C library wants defined before it shows them; the
// shipped files are under those of the user's folders, as signatures are. To put the #include
// in, header reads the source as the preprocessor does, in units that begin in no comment,
// literal or continued line. The blocks of #include <...> that are in force always and stand
// above the first use are where a person looks: the line goes into the one that has most of
// its kind, to its place if that is sorted, else to the end. What was included already wants
// the macro instead. Nothing there runs a compiler; a test asks one of every name.
//
// # One failure, followed through
//
// gmake has ended with status 2. Its log is diagnosed, and target finds in it what could not
// be made, and in which folder. A snapshot of the tree is taken. What could not be made is made
// again alone, by the command that make had printed, or by make: that log says why, without
// what other jobs said, and compilers are asked for what they would include. Each remedy of the
// signature that says what to try becomes a change, a value with new contents of files, with
// further arguments or environment: the header that declares a name, and the place of its
// include, come from package header; flags go to configure or cmake again, or into the
// makefile. One change after the other is put into the tree as it was, and the target is made.
// The one that helps stays, and nothing else of the attempts; the snapshot is dropped, and gmake
// is run on.
//
// # One claim, followed through
//
// "srcmend verify rig" loads the recipe and makes the matrix: a cell for the recipe itself, for
// each release's archive, for each patch in each release, for each release that is built, and for
// each fix that cures an error there. A cell's key is a hash of all that can change what becomes of
// it: texts, sums, commands, the toolchain with every package that is installed. What the store
// knows of a key is the answer. The others are looked at when those that they rest on are green:
// sources are asked anew, a patch is tried in the archive as check does, a build goes to the
// engine as a value, which has work stage it in a folder that is gone afterwards. Builds at the
// same time share the cores by make's own jobserver: each holds a token, and its makes take more
// while there are some. The logs of a build are kept with what became of it, red or green; then
// diagnosis reads them: without the fix the root cause must be what the fix cures, and a green log
// must have no cause at all. So a changed signature is held against the logs, and nothing is built.
// With --since, the recipes that have changed, or name something that has, are planned twice, as
// they were at that commit and as they are, and the cells of which the claims differ are run. What is
// wrong becomes a problem at the line of the recipe, once, however many cells show it. The
// stream of these events is all that a report is made from, then or later.
//
// # Red and failed
//
// A red build is a result: a value with a step, a text, a cause, a log. An
// error means that srcmend could not find out. They never share a type, and
// they have exit statuses of their own; see cmd/srcmend/errors.go, which holds
// all of what users read when something is wrong.
//
// # What the design said otherwise
//
// The design page names no floor for reading YAML; recipe and signature both
// need it with positions, so yamlfile stands on floor 0. Fixes have a proof
// key, which lint demands. Log files belong to the attempt in the history, not
// to the work folder, so that they outlive it. An interrupted run ends with
// status 130, as shells expect. A series is recorded in .pc as quilt does it,
// rather than in a form of our own: both can then work on one tree. MASTER_SITE_OVERRIDE and MASTER_SITE_BACKUP are
// read from the environment, as FreeBSD's ports do.
package internal
