package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// loopDevice is an open block device over an image. It is gone once nobody has it open or mounted (autoclear), so
// neither a driver that dies nor a node that loses its power leaves one behind.
type loopDevice struct {
	*os.File
	fresh bool // nobody had it before, so nobody has its file system mounted
}

// attachLoop opens the loop device of an image, making one if there is none: an image never has two.
func attachLoop(image string) (*loopDevice, error) {
	if found, err := findLoop(image); found != nil || err != nil {
		return found, err
	}
	file, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = control.Close() }()
	for {
		number, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, fmt.Errorf("no loop device is free: %w", err)
		}
		device, err := openLoop(number)
		if err != nil {
			return nil, err
		}
		config := &unix.LoopConfig{Fd: uint32(file.Fd()), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR}}
		copy(config.Info.File_name[:len(config.Info.File_name)-1], filepath.Base(image))
		err = unix.IoctlLoopConfigure(int(device.Fd()), config)
		if err == nil {
			return &loopDevice{File: device, fresh: true}, nil
		}
		_ = device.Close()
		if !errors.Is(err, unix.EBUSY) { // somebody else was faster
			return nil, fmt.Errorf("%s over %s: %w", device.Name(), image, err)
		}
	}
}

// findLoop opens the loop device that an image has, on whatever node; nil when it has none.
func findLoop(image string) (*loopDevice, error) {
	var wanted unix.Stat_t
	if err := unix.Stat(image, &wanted); err != nil {
		return nil, fmt.Errorf("%s: %w", image, err)
	}
	files, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		var number int
		if _, err := fmt.Sscanf(file, "/sys/block/loop%d/", &number); err != nil {
			continue
		}
		backing, err := os.ReadFile(file)
		if err != nil || filepath.Base(strings.TrimSpace(string(backing))) != filepath.Base(image) {
			continue // another one's, or detached between listing and reading
		}
		device, err := openLoop(number)
		if errors.Is(err, unix.ENXIO) {
			continue // it goes away just now
		}
		if err != nil {
			return nil, err
		}
		info, err := unix.IoctlLoopGetStatus64(int(device.Fd()))
		if err == nil && info.Device == wanted.Dev && info.Inode == wanted.Ino {
			return &loopDevice{File: device}, nil
		}
		_ = device.Close()
	}
	return nil, nil
}

// openLoop opens loop device `number`; a container's /dev knows those only that there were at its start.
func openLoop(number int) (*os.File, error) {
	name := fmt.Sprintf("/dev/loop%d", number)
	err := unix.Mknod(name, unix.S_IFBLK|0o660, int(unix.Mkdev(7, uint32(number))))
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return os.OpenFile(name, os.O_RDWR, 0)
}

// isAttached tells whether an image has a loop device: its file system is in use then, or was a moment ago.
func isAttached(image string) (bool, error) {
	found, err := findLoop(image)
	if found != nil {
		_ = found.Close()
	}
	return found != nil, err
}

// takeNewSize lets the device have the size that its image has now.
func (d *loopDevice) takeNewSize() error {
	return unix.IoctlSetInt(int(d.Fd()), unix.LOOP_SET_CAPACITY, 0)
}

// key is the device number, as in a mount table.
func (d *loopDevice) key() (string, error) {
	var found unix.Stat_t
	if err := unix.Fstat(int(d.Fd()), &found); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d:%d", unix.Major(found.Rdev), unix.Minor(found.Rdev)), nil
}
