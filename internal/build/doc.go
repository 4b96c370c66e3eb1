// Package build runs one command of a build: configure, gmake, install.
//
// A command is an argument list, a folder and a complete environment, never
// shell text. Its output goes straight into a log file. It runs in a process
// group of its own, under a supervisor: a second process of this same program
// that does nothing but start commands and watch over them. There is one for many
// commands, started with the first of them. It gets each order
// over a socket, with the open files that the command is to have, and says over
// another one, of that command alone, how it ended; that the far end of this is
// closed asks it to end the command. The supervisor is what makes a build
// safe to interrupt in any way:
//
//   - the context is cancelled (Ctrl-C): the whole group is asked to end, so
//     that make removes its half-made targets, and is killed if it does not;
//   - this program is killed with kill -9: the supervisor notices at once and
//     does the same, so that no orphan goes on writing into the tree;
//   - the command ends but leaves processes of its group behind: they are
//     ended too;
//   - the supervisor is killed as well, or the machine stops: no status file
//     appears, and the next run knows that the tree can't be trusted.
//
// A later run reads from the status file how a command ended.
//
//	func main() {
//		if build.Supervising() {
//			os.Exit(build.Supervise())
//		}
//		s := new(build.Supervisor)
//		defer s.Close()
//		// …
//		res, err := s.Run(ctx, build.Command{
//			Argv: []string{"gmake", "-j2"}, Dir: tree, Env: env,
//			Log: log, Status: "make.status",
//		})
//		// err: srcmend could not find out; !res.Green(): the build is red
//	}
//
// A process that leaves the group on purpose, as daemons do, is not followed.
// What else it does not do: decide what to run, look into the output, or keep the
// command from reading the rest of the machine.
package build
