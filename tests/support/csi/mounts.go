package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// mountEntry is a line of the mount table.
type mountEntry struct {
	key      string // major:minor of its device
	root     string // what of the file system is mounted
	path     string
	source   string
	readOnly bool
}

type mountTable []mountEntry

func readMounts() (mountTable, error) {
	content, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	return parseMounts(string(content))
}

func parseMounts(content string) (mountTable, error) {
	var table mountTable
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	for line := range strings.Lines(content) {
		first, last, ok := strings.Cut(strings.TrimSpace(line), " - ")
		fields, more := strings.Fields(first), strings.Fields(last)
		if !ok || len(fields) < 6 || len(more) < 2 {
			return nil, fmt.Errorf("mount table: %q", line)
		}
		readOnly := fields[5] == "ro" || strings.HasPrefix(fields[5], "ro,")
		table = append(table, mountEntry{
			fields[2], unescape.Replace(fields[3]), unescape.Replace(fields[4]), unescape.Replace(more[1]), readOnly})
	}
	return table, nil
}

// at is what is mounted at a path, uppermost; nil for nothing.
func (t mountTable) at(path string) *mountEntry {
	for i := len(t) - 1; i >= 0; i-- {
		if t[i].path == filepath.Clean(path) {
			return &t[i]
		}
	}
	return nil
}

// published are the mounts of a whole volume beside the staged one.
func (t mountTable) published(key, staged string) []mountEntry {
	var found []mountEntry
	for _, entry := range t {
		if entry.key == key && entry.root == "/" && entry.path != filepath.Clean(staged) {
			found = append(found, entry)
		}
	}
	return found
}

var flagOf = map[string]uintptr{
	"ro": unix.MS_RDONLY, "noatime": unix.MS_NOATIME, "nodev": unix.MS_NODEV, "noexec": unix.MS_NOEXEC,
	"nosuid": unix.MS_NOSUID, "sync": unix.MS_SYNCHRONOUS, "relatime": unix.MS_RELATIME,
}

// mount a device at a path, which is made if need be.
func mount(device, path, kind string, options []string) error {
	if err := os.MkdirAll(path, 0o750); err != nil {
		return err
	}
	var flags uintptr
	var rest []string
	if kind == "xfs" {
		rest = append(rest, "nouuid") // copies of a volume have its UUID
	}
	for _, option := range options {
		if flag, known := flagOf[option]; known {
			flags |= flag
		} else {
			rest = append(rest, option)
		}
	}
	if err := unix.Mount(device, path, kind, flags, strings.Join(rest, ",")); err != nil {
		return fmt.Errorf("mounting %s at %s: %w", device, path, err)
	}
	return nil
}

func bind(from, to string, readOnly bool) error {
	if err := os.MkdirAll(to, 0o750); err != nil {
		return err
	}
	if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("binding %s to %s: %w", from, to, err)
	}
	if !readOnly {
		return nil
	}
	if err := unix.Mount("", to, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		return errors.Join(fmt.Errorf("%s read-only: %w", to, err), unix.Unmount(to, 0))
	}
	return nil
}

// unmount what is at a path, all of it. FAILED_PRECONDITION while somebody uses it.
func unmount(path string) error {
	for {
		table, err := readMounts()
		if err != nil {
			return internal(err)
		}
		if table.at(path) == nil {
			return nil
		}
		if err := unix.Unmount(path, 0); errors.Is(err, unix.EBUSY) {
			return status.Errorf(codes.FailedPrecondition, "%s is in use", path)
		} else if err != nil {
			return internal(fmt.Errorf("unmounting %s: %w", path, err))
		}
	}
}
