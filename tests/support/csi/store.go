package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// store is a folder with the volumes and snapshots of the cluster: for each an image, `<id>.img`, and what is known of
// it, `<id>.json`, which is written last and removed first. Several drivers use it at once; locks are files in it.
type store struct {
	folder string
}

// volume is what CreateVolume decided, and what was changed later.
type volume struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Size       int64             `json:"size"`       // bytes
	Filled     int64             `json:"filled"`     // bytes that the file system has grown over; 0: there is none yet
	FileSystem string            `json:"fileSystem"` // ext4, xfs
	Node       string            `json:"node"`       // that alone may mount it; empty: every node
	Snapshot   string            `json:"snapshot"`   // that it was made from; empty: none
	Attributes map[string]string `json:"attributes"` // of its VolumeAttributesClass
}

// snapshot is a whole copy of a volume's image.
type snapshot struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Volume     string    `json:"volume"`
	Size       int64     `json:"size"`
	Filled     int64     `json:"filled"`
	FileSystem string    `json:"fileSystem"`
	Created    time.Time `json:"created"`
}

func openStore(folder string) (*store, error) {
	s := &store{folder: folder}
	for _, part := range []string{"volumes", "snapshots", "locks"} {
		if err := os.MkdirAll(filepath.Join(folder, part), 0o700); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// idOf a name: a repeated call finds what the first one made.
func idOf(kind, name string) string {
	sum := sha256.Sum256([]byte(name))
	return kind + "-" + hex.EncodeToString(sum[:10])
}

// lock is one holder at a time for an id, among all drivers; ABORTED while another has it.
func (s *store) lock(id string) (func(), error) {
	file, err := os.OpenFile(filepath.Join(s.folder, "locks", filepath.Base(id)), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, internal(err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, status.Errorf(codes.Aborted, "another call about %s goes on", id)
	}
	return func() { _ = file.Close() }, nil
}

func (s *store) volumeImage(id string) string {
	return filepath.Join(s.folder, "volumes", id+".img")
}

func (s *store) snapshotImage(id string) string {
	return filepath.Join(s.folder, "snapshots", id+".img")
}

// volume of an id. NOT_FOUND when there is none.
func (s *store) volume(id string) (*volume, error) {
	return read[volume](s, "volumes", id)
}

// lockedVolume is a volume and the end of its lock. NOT_FOUND, ABORTED.
func (s *store) lockedVolume(id string) (*volume, func(), error) {
	if _, err := s.volume(id); err != nil { // no lock for what does not exist
		return nil, nil, err
	}
	release, err := s.lock(id)
	if err != nil {
		return nil, nil, err
	}
	found, err := s.volume(id)
	if err != nil {
		release()
		return nil, nil, err
	}
	return found, release, nil
}

func (s *store) snapshot(id string) (*snapshot, error) {
	return read[snapshot](s, "snapshots", id)
}

func (s *store) writeVolume(v *volume) error {
	return write(s, "volumes", v.ID, v)
}

func (s *store) writeSnapshot(v *snapshot) error {
	return write(s, "snapshots", v.ID, v)
}

// remove what has an id, among `volumes` or `snapshots`; nothing to do when it is gone.
func (s *store) remove(part, id string) error {
	for _, suffix := range []string{".json", ".img"} {
		err := os.Remove(filepath.Join(s.folder, part, id+suffix))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return internal(err)
		}
	}
	return nil
}

// volumeIDs of all volumes.
func (s *store) volumeIDs() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(s.folder, "volumes", "*.json"))
	for i, file := range files {
		files[i] = strings.TrimSuffix(filepath.Base(file), ".json")
	}
	return files, err
}

func read[T any](s *store, part, id string) (*T, error) {
	if id == "" || filepath.Base(id) != id {
		return nil, status.Errorf(codes.NotFound, "%q is no id of %s", id, part)
	}
	content, err := os.ReadFile(filepath.Join(s.folder, part, id+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, status.Errorf(codes.NotFound, "there is no %s among the %s", id, part)
	}
	found := new(T)
	if err == nil {
		err = json.Unmarshal(content, found)
	}
	if err != nil {
		return nil, internal(err)
	}
	return found, nil
}

func write(s *store, part, id string, value any) error {
	content, err := json.Marshal(value)
	if err != nil {
		return internal(err)
	}
	file := filepath.Join(s.folder, part, id+".json")
	if err := os.WriteFile(file+".new", content, 0o600); err != nil {
		return internal(err)
	}
	return internal(os.Rename(file+".new", file))
}

func internal(err error) error {
	if err == nil {
		return nil
	}
	return status.Error(codes.Internal, err.Error())
}
