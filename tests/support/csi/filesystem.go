package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	extResize = 0x40086610 // EXT4_IOC_RESIZE_FS
	xfsGrow   = 0x4010586e // XFS_IOC_FSGROWFSDATA
)

// format makes a file system, whatever a format that was cut short has left there.
func format(ctx context.Context, kind, device string) error {
	if kind == "xfs" {
		return tool(ctx, "mkfs.xfs", "-q", "-f", device)
	}
	return tool(ctx, "mkfs.ext4", "-q", "-F", "-m", "0", device) // nothing kept back for root, as whom all guests write
}

// growUnmounted grows an ext4 that nobody has mounted; xfs grows mounted only.
func growUnmounted(ctx context.Context, device string) error {
	var ended *exec.ExitError
	err := tool(ctx, "e2fsck", "-f", "-p", device)
	if err != nil && !(errors.As(err, &ended) && ended.ExitCode() == 1) { // 1: it has put something right
		return err
	}
	return tool(ctx, "resize2fs", device)
}

// growMounted grows the file system mounted at a folder to a size in bytes. EPERM for ext4 without CAP_SYS_RESOURCE.
func growMounted(folder, image, kind string, size int64) error {
	head, err := superblock(image)
	if err != nil {
		return err
	}
	mounted, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer func() { _ = mounted.Close() }()
	var errno unix.Errno
	if kind == "xfs" {
		wish := struct {
			blocks       uint64
			inodePercent uint32
		}{uint64(size) / uint64(binary.BigEndian.Uint32(head[4:])), uint32(head[127])}
		_, _, errno = unix.Syscall(unix.SYS_IOCTL, mounted.Fd(), xfsGrow, uintptr(unsafe.Pointer(&wish)))
	} else {
		blocks := uint64(size) / (1024 << binary.LittleEndian.Uint32(head[1024+0x18:]))
		_, _, errno = unix.Syscall(unix.SYS_IOCTL, mounted.Fd(), extResize, uintptr(unsafe.Pointer(&blocks)))
	}
	if errno != 0 {
		return fmt.Errorf("growing the %s at %s, which is mounted, to %d bytes: %w", kind, folder, size, errno)
	}
	return nil
}

// superblock is the first page of an image, with what does not change while the file system is mounted.
func superblock(image string) ([]byte, error) {
	file, err := os.Open(image)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	head := make([]byte, 4096)
	_, err = file.ReadAt(head, 0)
	return head, err
}

func tool(ctx context.Context, name string, arguments ...string) error {
	output, err := exec.CommandContext(ctx, name, arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(output))
	}
	return nil
}
