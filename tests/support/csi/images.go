package main

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// blankImage makes a sparse file of a size in bytes.
func blankImage(file string, size int64) error {
	return whole(file, func(image *os.File) error { return image.Truncate(size) })
}

// copyImage copies what an image holds, its holes stay holes; the copy has a size in bytes, not below the original's.
func copyImage(from, to string, size int64) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	return whole(to, func(image *os.File) error {
		if err := copyData(source, image); err != nil {
			return err
		}
		return image.Truncate(size)
	})
}

// whole gives a file its name only once it is filled and on the disk.
func whole(file string, fill func(*os.File) error) (err error) {
	image, err := os.Create(file + ".new")
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, image.Close()); err != nil {
			_ = os.Remove(file + ".new")
		}
	}()
	if err := fill(image); err != nil {
		return err
	}
	if err := image.Sync(); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

func copyData(source, target *os.File) error {
	for end := int64(0); ; {
		start, err := unix.Seek(int(source.Fd()), end, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return nil
		}
		if err == nil {
			end, err = unix.Seek(int(source.Fd()), start, unix.SEEK_HOLE)
		}
		if err != nil {
			return err
		}
		if _, err := target.Seek(start, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.Copy(target, io.NewSectionReader(source, start, end-start)); err != nil {
			return err
		}
	}
}

// enlargeImage gives an image more bytes, all of them a hole.
func enlargeImage(image string, size int64) error {
	file, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if err := file.Truncate(size); err != nil {
		return err
	}
	return file.Sync()
}
