package event

// The events of a verification: one [Matrix], a [CellEnded] for each cell of it in whatever
// order they end, a [Problem] for each thing that is wrong, and at last a [Verified].

// A Cell names one claim that is verified: of a package, of one of its releases, of a fix, or
// of a fix in a release; on which platform, and how far it is proven.
type Cell struct {
	// ID is the cell's name: "dovecot:lint", "dovecot@2.3.4:fetch", "dovecot/one:fetch",
	// "dovecot@2.3.4/one:verdict", "dovecot@2.3.4:build".
	ID       string `json:"id"`
	Package  string `json:"package"`
	Release  string `json:"release,omitempty"`
	Fix      string `json:"fix,omitempty"`
	Platform string `json:"platform,omitempty"` // "linux/12/amd64"; "" if it does not matter
	Level    Level  `json:"level"`
}

// A Level is how far a claim is proven.
type Level string

// The levels, each of which rests on the one before it.
const (
	LevelLint    Level = "lint"    // the recipe is well made
	LevelFetch   Level = "fetch"   // archives and patches can be had, and are what is meant
	LevelVerdict Level = "verdict" // the release says of the patch what the recipe does
	LevelBuild   Level = "build"   // red without the fix, by the error that it cures; green with it
)

// Matrix is what a verification is about.
type Matrix struct {
	Plan     string   `json:"plan"` // identity of all the cells, hex: shards of one plan have the same
	Platform string   `json:"platform"`
	Since    string   `json:"since,omitempty"` // only what has changed since that revision
	Shard    string   `json:"shard,omitempty"` // "2/3": only that part of the cells is run
	Cells    []string `json:"cells"`           // ids of all of them, those of other shards too
	Mine     int      `json:"mine"`            // how many of them are run here
}

// CellEnded says what became of a cell.
type CellEnded struct {
	Cell
	// Outcome is Green if the claim is true, Red if it is not, Failed if that could not be
	// found out, and Skipped if it was not tried, Why says why.
	Outcome Outcome `json:"outcome"`
	Why     string  `json:"why,omitempty"`
	Key     string  `json:"key,omitempty"`    // of all that can change the outcome, hex
	Stored  bool    `json:"stored,omitempty"` // it is known from an earlier run
	Known   string  `json:"known,omitempty"`  // the reason why it is expected to be red
	Builds  int     `json:"builds,omitempty"` // how many were carried out for it now
	Start   float64 `json:"start,omitempty"`  // when it was begun, in seconds from the beginning of all
	Seconds float64 `json:"seconds,omitempty"`
	CPU     float64 `json:"cpu_seconds,omitempty"`
}

// A Problem is something wrong with a recipe, a patch or a signature, at the line that has to
// be looked at. What several cells show is told once.
type Problem struct {
	Rule   string   `json:"rule"`  // its kind: "stale-patch", "wrong-range", …
	Level  string   `json:"level"` // "error" or "warning"
	File   string   `json:"file,omitempty"`
	Line   int      `json:"line,omitempty"`   // from 1; 0 if it is about the whole file
	Column int      `json:"column,omitempty"` // from 1
	Text   string   `json:"text"`
	Hint   string   `json:"hint,omitempty"`
	Cells  []string `json:"cells,omitempty"` // ids of the cells that show it
	Known  string   `json:"known,omitempty"` // the reason why it is expected
	// Excerpt is of the log that shows it, and At the index of the line in it that does.
	Excerpt []string `json:"excerpt,omitempty"`
	At      int      `json:"at,omitempty"`
	Log     string   `json:"log,omitempty"` // path of the whole log
}

// Unverified is the rule of a problem that is none of a recipe: something could not be found out.
const Unverified = "unverified"

// Verified is the last event of a verification.
type Verified struct {
	Outcome Outcome `json:"outcome"`
	Text    string  `json:"text"` // one line for people
	Hint    string  `json:"hint,omitempty"`
	Green   int     `json:"green"` // numbers of cells
	Red     int     `json:"red"`   // that are not expected to be
	Known   int     `json:"known"` // red, and expected to be
	Failed  int     `json:"failed"`
	Skipped int     `json:"skipped"`
	Stored  int     `json:"stored"` // of all these, those known from an earlier run
	Builds  int     `json:"builds"` // carried out now
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu_seconds,omitempty"`
}

// Name implements [Event].
func (Matrix) Name() string { return "matrix" }

// Name implements [Event].
func (CellEnded) Name() string { return "cell.ended" }

// Name implements [Event].
func (Problem) Name() string { return "problem" }

// Name implements [Event].
func (Verified) Name() string { return "verified" }
