package main

import (
	"context"
	"errors"
	"os"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type nodeService struct {
	csi.UnimplementedNodeServer
	store *store
	node  string
}

func (*nodeService) NodeGetCapabilities(
	context.Context, *csi.NodeGetCapabilitiesRequest,
) (*csi.NodeGetCapabilitiesResponse, error) {
	answer := &csi.NodeGetCapabilitiesResponse{}
	for _, kind := range []csi.NodeServiceCapability_RPC_Type{
		csi.NodeServiceCapability_RPC_STAGE_UNSTAGE_VOLUME,
		csi.NodeServiceCapability_RPC_EXPAND_VOLUME,
		csi.NodeServiceCapability_RPC_SINGLE_NODE_MULTI_WRITER,
	} {
		answer.Capabilities = append(answer.Capabilities, &csi.NodeServiceCapability{
			Type: &csi.NodeServiceCapability_Rpc{Rpc: &csi.NodeServiceCapability_RPC{Type: kind}}})
	}
	return answer, nil
}

func (n *nodeService) NodeGetInfo(context.Context, *csi.NodeGetInfoRequest) (*csi.NodeGetInfoResponse, error) {
	return &csi.NodeGetInfoResponse{
		NodeId: n.node, AccessibleTopology: &csi.Topology{Segments: map[string]string{topologyKey: n.node}},
	}, nil
}

// NodeStageVolume mounts the volume, formatted or grown before if it has to be.
func (n *nodeService) NodeStageVolume(
	ctx context.Context, request *csi.NodeStageVolumeRequest,
) (*csi.NodeStageVolumeResponse, error) {
	path := request.GetStagingTargetPath()
	found, release, err := n.usable(request.GetVolumeId(), path, "staging_target_path", request.GetVolumeCapability())
	if err != nil {
		return nil, err
	}
	defer release()
	device, err := attachLoop(n.store.volumeImage(found.ID))
	if err != nil {
		return nil, internal(err)
	}
	defer func() { _ = device.Close() }()
	key, err := device.key()
	if err != nil {
		return nil, internal(err)
	}
	mounts, err := readMounts()
	if err != nil {
		return nil, internal(err)
	}
	if there := mounts.at(path); there != nil {
		if there.key != key {
			return nil, status.Errorf(codes.AlreadyExists, "%s is mounted at %s", there.source, path)
		}
		return &csi.NodeStageVolumeResponse{}, nil
	}
	if device.fresh {
		err = n.prepare(ctx, device.Name(), found)
	}
	if err == nil {
		err = mount(device.Name(), path, found.FileSystem, request.GetVolumeCapability().GetMount().GetMountFlags())
	}
	if err != nil {
		return nil, internal(err)
	}
	if device.fresh && found.FileSystem == "xfs" { // which grows mounted only
		if err := n.grow(found, device, path); err != nil {
			return nil, internal(errors.Join(err, unix.Unmount(path, 0)))
		}
	}
	return &csi.NodeStageVolumeResponse{}, nil
}

// prepare lets a device that nobody has mounted have a file system, an ext4 of the volume's whole size.
func (n *nodeService) prepare(ctx context.Context, device string, v *volume) error {
	switch {
	case v.Filled == 0:
		if err := format(ctx, v.FileSystem, device); err != nil {
			return err
		}
	case v.Filled < v.Size && v.FileSystem == "ext4":
		if err := growUnmounted(ctx, device); err != nil {
			return err
		}
	default:
		return nil
	}
	v.Filled = v.Size
	return n.store.writeVolume(v)
}

// usable is the locked volume of a call to mount it. INVALID_ARGUMENT, NOT_FOUND, ABORTED, FAILED_PRECONDITION.
func (n *nodeService) usable(
	id, path, pathName string, capability *csi.VolumeCapability,
) (*volume, func(), error) {
	switch {
	case id == "":
		return nil, nil, missing("volume_id")
	case path == "":
		return nil, nil, missing(pathName)
	case capability == nil:
		return nil, nil, missing("volume_capability")
	}
	if why := unsupported(capability); why != "" {
		return nil, nil, status.Error(codes.InvalidArgument, why)
	}
	found, release, err := n.store.lockedVolume(id)
	if err != nil {
		return nil, nil, err
	}
	if kind := capability.GetMount().GetFsType(); kind != "" && kind != found.FileSystem {
		err = status.Errorf(codes.InvalidArgument, "volume %s has an %s, not an %s", id, found.FileSystem, kind)
	} else if found.Node != "" && found.Node != n.node {
		err = status.Errorf(codes.FailedPrecondition, "volume %s is of node %s, this is %s", id, found.Node, n.node)
	}
	if err != nil {
		release()
		return nil, nil, err
	}
	return found, release, nil
}

func (n *nodeService) NodeUnstageVolume(
	_ context.Context, request *csi.NodeUnstageVolumeRequest,
) (*csi.NodeUnstageVolumeResponse, error) {
	if request.GetVolumeId() == "" {
		return nil, missing("volume_id")
	}
	if request.GetStagingTargetPath() == "" {
		return nil, missing("staging_target_path")
	}
	return &csi.NodeUnstageVolumeResponse{}, unmount(request.GetStagingTargetPath())
}

func (n *nodeService) NodePublishVolume(
	_ context.Context, request *csi.NodePublishVolumeRequest,
) (*csi.NodePublishVolumeResponse, error) {
	target, staged := request.GetTargetPath(), request.GetStagingTargetPath()
	found, release, err := n.usable(request.GetVolumeId(), target, "target_path", request.GetVolumeCapability())
	if err != nil {
		return nil, err
	}
	defer release()
	if staged == "" {
		return nil, missing("staging_target_path")
	}
	mounts, err := readMounts()
	if err != nil {
		return nil, internal(err)
	}
	source := mounts.at(staged)
	if source == nil {
		return nil, status.Errorf(codes.FailedPrecondition, "volume %s is not staged at %s", found.ID, staged)
	}
	if there := mounts.at(target); there != nil {
		if there.key != source.key || there.readOnly != request.GetReadonly() {
			return nil, status.Errorf(codes.AlreadyExists, "%s is mounted at %s, in another way", there.source, target)
		}
		return &csi.NodePublishVolumeResponse{}, nil
	}
	others := mounts.published(source.key, staged)
	if request.GetVolumeCapability().GetAccessMode().GetMode() == csi.VolumeCapability_AccessMode_SINGLE_NODE_SINGLE_WRITER &&
		len(others) > 0 {
		return nil, status.Errorf(codes.FailedPrecondition, "volume %s has its one writer at %s", found.ID, others[0].path)
	}
	return &csi.NodePublishVolumeResponse{}, internal(bind(staged, target, request.GetReadonly()))
}

func (n *nodeService) NodeUnpublishVolume(
	_ context.Context, request *csi.NodeUnpublishVolumeRequest,
) (*csi.NodeUnpublishVolumeResponse, error) {
	target := request.GetTargetPath()
	if request.GetVolumeId() == "" {
		return nil, missing("volume_id")
	}
	if target == "" {
		return nil, missing("target_path")
	}
	if err := unmount(target); err != nil {
		return nil, err
	}
	if err := os.Remove(target); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, internal(err)
	}
	return &csi.NodeUnpublishVolumeResponse{}, nil
}

// NodeExpandVolume grows the mounted file system over what ControllerExpandVolume added.
func (n *nodeService) NodeExpandVolume(
	_ context.Context, request *csi.NodeExpandVolumeRequest,
) (*csi.NodeExpandVolumeResponse, error) {
	if request.GetVolumeId() == "" {
		return nil, missing("volume_id")
	}
	if request.GetVolumePath() == "" {
		return nil, missing("volume_path")
	}
	found, release, err := n.store.lockedVolume(request.GetVolumeId())
	if err != nil {
		return nil, err
	}
	defer release()
	if asked := request.GetCapacityRange().GetRequiredBytes(); asked > found.Size {
		return nil, status.Errorf(codes.OutOfRange, "volume %s has %d bytes, not %d", found.ID, found.Size, asked)
	}
	device, err := findLoop(n.store.volumeImage(found.ID))
	if err != nil {
		return nil, internal(err)
	}
	if device != nil {
		defer func() { _ = device.Close() }()
	}
	mounts, err := readMounts()
	if err != nil {
		return nil, internal(err)
	}
	if device == nil || mounts.at(request.GetVolumePath()) == nil {
		return nil, status.Errorf(codes.NotFound, "volume %s is not mounted at %s", found.ID, request.GetVolumePath())
	}
	if err := n.grow(found, device, request.GetVolumePath()); err != nil {
		return nil, err
	}
	return &csi.NodeExpandVolumeResponse{CapacityBytes: found.Size}, nil
}

// grow lets a mounted file system fill the image, if it does not yet. FAILED_PRECONDITION for what grows unmounted only.
func (n *nodeService) grow(v *volume, device *loopDevice, path string) error {
	if v.Filled >= v.Size {
		return nil
	}
	if err := device.takeNewSize(); err != nil {
		return internal(err)
	}
	err := growMounted(path, n.store.volumeImage(v.ID), v.FileSystem, v.Size)
	if errors.Is(err, unix.EPERM) {
		return status.Errorf(codes.FailedPrecondition, "%v (it grows when it is mounted the next time)", err)
	}
	if err != nil {
		return internal(err)
	}
	v.Filled = v.Size
	return n.store.writeVolume(v)
}
