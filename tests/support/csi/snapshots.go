package main

import (
	"context"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// CreateSnapshot answers when the copy is whole; until then a repeated call is told ABORTED, and no snapshot is there.
func (c *controller) CreateSnapshot(
	_ context.Context, request *csi.CreateSnapshotRequest,
) (*csi.CreateSnapshotResponse, error) {
	if request.GetName() == "" {
		return nil, missing("name")
	}
	if request.GetSourceVolumeId() == "" {
		return nil, missing("source_volume_id")
	}
	if err := onlyKnown(request.GetParameters()); err != nil {
		return nil, err
	}
	id := idOf("snap", request.GetName())
	release, err := c.store.lock(id)
	if err != nil {
		return nil, err
	}
	defer release()
	found, err := c.store.snapshot(id)
	if status.Code(err) == codes.NotFound {
		found, err = c.take(id, request)
	}
	if err != nil {
		return nil, err
	}
	if found.Volume != request.GetSourceVolumeId() {
		return nil, status.Errorf(codes.AlreadyExists, "snapshot %s is of volume %s", id, found.Volume)
	}
	return &csi.CreateSnapshotResponse{Snapshot: &csi.Snapshot{
		SnapshotId: found.ID, SourceVolumeId: found.Volume, SizeBytes: found.Size, ReadyToUse: true,
		CreationTime: timestamppb.New(found.Created),
	}}, nil
}

// take copies the volume while its file system, if it is mounted, stands still.
func (c *controller) take(id string, request *csi.CreateSnapshotRequest) (*snapshot, error) {
	source, release, err := c.store.lockedVolume(request.GetSourceVolumeId())
	if err != nil {
		return nil, err
	}
	defer release()
	taken := &snapshot{
		ID: id, Name: request.GetName(), Volume: source.ID, Size: source.Size, Filled: source.Filled,
		FileSystem: source.FileSystem, Created: time.Now(),
	}
	image := c.store.volumeImage(source.ID)
	err = frozen(image, source.FileSystem, func() error {
		return copyImage(image, c.store.snapshotImage(id), source.Size)
	})
	if err != nil {
		return nil, internal(err)
	}
	return taken, c.store.writeSnapshot(taken)
}

func (c *controller) DeleteSnapshot(
	_ context.Context, request *csi.DeleteSnapshotRequest,
) (*csi.DeleteSnapshotResponse, error) {
	id := request.GetSnapshotId()
	if id == "" {
		return nil, missing("snapshot_id")
	}
	if _, err := c.store.snapshot(id); status.Code(err) == codes.NotFound {
		return &csi.DeleteSnapshotResponse{}, nil
	}
	release, err := c.store.lock(id)
	if err != nil {
		return nil, err
	}
	defer release()
	return &csi.DeleteSnapshotResponse{}, c.store.remove("snapshots", id)
}
