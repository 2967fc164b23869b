package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const (
	fiFreeze = 0xc0045877 // FIFREEZE
	fiThaw   = 0xc0045878 // FITHAW
)

// frozen runs a function while the file system of an image stands still and is whole on its device. One that is
// mounted, wherever, is frozen through a mount that no mount table shows and that ends with this process.
func frozen(image, kind string, do func() error) error {
	device, err := findLoop(image)
	if err != nil {
		return err
	}
	if device == nil {
		return do()
	}
	defer func() { _ = device.Close() }()
	root, err := openRoot(device.Name(), kind)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	if err := unix.IoctlSetInt(int(root.Fd()), fiFreeze, 0); err != nil {
		return fmt.Errorf("freezing %s: %w", image, err)
	}
	defer func() { _ = unix.IoctlSetInt(int(root.Fd()), fiThaw, 0) }()
	return do()
}

// thawLeftovers frees file systems that a driver had frozen when it was killed.
func thawLeftovers(s *store) error {
	ids, err := s.volumeIDs()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := thaw(s, id); err != nil {
			return fmt.Errorf("thawing %s: %w", id, err)
		}
	}
	return nil
}

func thaw(s *store, id string) error {
	release, err := s.lock(id)
	if err != nil {
		return nil // another driver is at work on it
	}
	defer release()
	found, err := s.volume(id)
	if err != nil {
		return nil // deleted meanwhile
	}
	device, err := findLoop(s.volumeImage(id))
	if device == nil {
		return err
	}
	defer func() { _ = device.Close() }()
	root, err := openRoot(device.Name(), found.FileSystem)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	err = unix.IoctlSetInt(int(root.Fd()), fiThaw, 0)
	if errors.Is(err, unix.EINVAL) {
		return nil // it was not frozen
	}
	return err
}

// openRoot opens the root of a device's file system: of the one that is mounted already, if so.
func openRoot(device, kind string) (*os.File, error) {
	context, err := unix.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("fsopen %s: %w", kind, err)
	}
	defer func() { _ = unix.Close(context) }()
	if err := unix.FsconfigSetString(context, "source", device); err != nil {
		return nil, err
	}
	if kind == "xfs" { // copies of a volume have its UUID
		if err := unix.FsconfigSetFlag(context, "nouuid"); err != nil {
			return nil, err
		}
	}
	if err := unix.FsconfigCreate(context); err != nil {
		return nil, fmt.Errorf("mounting %s: %w", device, err)
	}
	mounted, err := unix.Fsmount(context, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("mounting %s: %w", device, err)
	}
	defer func() { _ = unix.Close(mounted) }()
	root, err := unix.Openat(mounted, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(root), device), nil
}
