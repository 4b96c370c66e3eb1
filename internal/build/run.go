package build

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// MaxLog is how large a command's log may grow, in bytes, before the command
// is ended. A build that prints without end would fill the disk.
const MaxLog = 1 << 30

// Command is one command of a build.
type Command struct {
	Argv   []string // the program is looked up in Env's PATH
	Dir    string   // absolute
	Env    []string // KEY=value; complete, nothing is inherited
	Log    *os.File // takes standard output and standard error
	Status string   // path of the status file, in a folder that exists; "" if no later run asks
	Hold   *os.File // kept open until the command's group is gone; may be nil
	Jobs   string   // path of the pipe of a jobserver, if GNU make is to ask that; "" if not
}

// A Result is how a command ended.
type Result struct {
	Exit    int     `json:"exit"`             // exit status; -1 after a signal
	Signal  string  `json:"signal,omitempty"` // "killed", "segmentation fault"
	Ended   string  `json:"ended,omitempty"`  // why the supervisor ended it
	Seconds float64 `json:"seconds"`          // wall-clock time
	CPU     float64 `json:"cpu_seconds"`      // user and system time of the command and its children
	MaxRSS  int64   `json:"max_rss"`          // of the largest process, as the system counts it
	Error   string  `json:"error,omitempty"`  // the command could not be started
}

// Green reports whether the command did what it was asked to.
func (r Result) Green() bool { return r.Exit == 0 && r.Error == "" && r.Ended == "" }

// String says how the command ended, for people.
func (r Result) String() string {
	switch {
	case r.Error != "":
		return r.Error
	case r.Ended != "":
		return "ended: " + r.Ended
	case r.Signal != "":
		return "ended by a signal: " + r.Signal
	}
	return fmt.Sprintf("exit status %d", r.Exit)
}

// measure calls long when the log has become longer than it may, unless the command is over.
func (c Command) measure(over <-chan struct{}, long func()) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
			if info, err := c.Log.Stat(); err == nil && info.Size() > MaxLog {
				long()
				return
			}
		}
	}
}

// ReadStatus reads what a supervisor wrote. The error wraps fs.ErrNotExist
// when it wrote nothing.
func ReadStatus(path string) (Result, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Result{}, err
	}
	var r Result
	if err := json.Unmarshal(text, &r); err != nil {
		return Result{}, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}
