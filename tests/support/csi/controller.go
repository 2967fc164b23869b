package main

import (
	"context"
	"maps"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	reach     = "reach" // parameter of a class: `node` (default) or `cluster`, whose volumes every node can mount
	attribute = "label" // the one attribute of a VolumeAttributesClass; it does no more than to be noted
)

type controller struct {
	csi.UnimplementedControllerServer
	store *store
	node  string
}

func (*controller) ControllerGetCapabilities(
	context.Context, *csi.ControllerGetCapabilitiesRequest,
) (*csi.ControllerGetCapabilitiesResponse, error) {
	answer := &csi.ControllerGetCapabilitiesResponse{}
	for _, kind := range []csi.ControllerServiceCapability_RPC_Type{
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_VOLUME,
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_SNAPSHOT,
		csi.ControllerServiceCapability_RPC_EXPAND_VOLUME,
		csi.ControllerServiceCapability_RPC_MODIFY_VOLUME,
		csi.ControllerServiceCapability_RPC_SINGLE_NODE_MULTI_WRITER,
	} {
		answer.Capabilities = append(answer.Capabilities, &csi.ControllerServiceCapability{
			Type: &csi.ControllerServiceCapability_Rpc{Rpc: &csi.ControllerServiceCapability_RPC{Type: kind}}})
	}
	return answer, nil
}

func (c *controller) CreateVolume(
	_ context.Context, request *csi.CreateVolumeRequest,
) (*csi.CreateVolumeResponse, error) {
	wanted, err := c.wantedVolume(request)
	if err != nil {
		return nil, err
	}
	release, err := c.store.lock(wanted.ID)
	if err != nil {
		return nil, err
	}
	defer release()
	found, err := c.store.volume(wanted.ID)
	if status.Code(err) == codes.NotFound {
		found = wanted
		err = c.fill(request, wanted)
	}
	if err != nil {
		return nil, err
	}
	if !fits(found, wanted, request.GetCapacityRange()) {
		return nil, status.Errorf(codes.AlreadyExists, "volume %s is another one: %+v, not %+v", found.ID, found, wanted)
	}
	return &csi.CreateVolumeResponse{Volume: c.described(found, request.GetVolumeContentSource())}, nil
}

// wantedVolume is the one that a request describes. INVALID_ARGUMENT, OUT_OF_RANGE, RESOURCE_EXHAUSTED.
func (c *controller) wantedVolume(request *csi.CreateVolumeRequest) (*volume, error) {
	if request.GetName() == "" {
		return nil, missing("name")
	}
	kind, err := fileSystem(request.GetVolumeCapabilities())
	if err != nil {
		return nil, err
	}
	if err := onlyKnown(request.GetParameters(), reach); err != nil {
		return nil, err
	}
	if err := onlyKnown(request.GetMutableParameters(), attribute); err != nil {
		return nil, err
	}
	source := request.GetVolumeContentSource()
	if source != nil && source.GetSnapshot().GetSnapshotId() == "" {
		return nil, status.Error(codes.InvalidArgument, "a volume is made from a snapshot or from nothing")
	}
	bytes, err := size(request.GetCapacityRange(), minimumSize[kind])
	if err != nil {
		return nil, err
	}
	wanted := &volume{
		ID: idOf("vol", request.GetName()), Name: request.GetName(), Size: bytes, FileSystem: kind,
		Snapshot: source.GetSnapshot().GetSnapshotId(), Attributes: request.GetMutableParameters(),
	}
	switch request.GetParameters()[reach] {
	case "", "node":
		wanted.Node, err = c.chosenNode(request.GetAccessibilityRequirements())
	case "cluster":
	default:
		err = status.Errorf(codes.InvalidArgument, "%s is `node` or `cluster`", reach)
	}
	return wanted, err
}

// chosenNode is the first one that is preferred, or possible; our own when nothing is said.
func (c *controller) chosenNode(requirement *csi.TopologyRequirement) (string, error) {
	for _, topology := range append(requirement.GetPreferred(), requirement.GetRequisite()...) {
		if node := topology.GetSegments()[topologyKey]; node != "" {
			return node, nil
		}
	}
	if requirement != nil {
		return "", status.Errorf(codes.ResourceExhausted, "no topology has a value for %s", topologyKey)
	}
	return c.node, nil
}

// fill makes the image, blank or from its snapshot, and notes the volume.
func (c *controller) fill(request *csi.CreateVolumeRequest, wanted *volume) error {
	image := c.store.volumeImage(wanted.ID)
	if wanted.Snapshot == "" {
		if err := blankImage(image, wanted.Size); err != nil {
			return internal(err)
		}
		return c.store.writeVolume(wanted)
	}
	release, err := c.store.lock(wanted.Snapshot)
	if err != nil {
		return err
	}
	defer release()
	source, err := c.store.snapshot(wanted.Snapshot)
	if err != nil {
		return err
	}
	if source.FileSystem != wanted.FileSystem {
		return status.Errorf(codes.InvalidArgument, "%s holds an %s", source.ID, source.FileSystem)
	}
	if request.GetCapacityRange().GetRequiredBytes() == 0 {
		wanted.Size = max(wanted.Size, source.Size)
	}
	limit := request.GetCapacityRange().GetLimitBytes()
	if wanted.Size < source.Size || (limit > 0 && limit < source.Size) {
		return status.Errorf(codes.OutOfRange, "%s needs %d bytes, and %d are asked for", source.ID, source.Size, wanted.Size)
	}
	wanted.Filled = source.Filled
	if err := copyImage(c.store.snapshotImage(source.ID), image, wanted.Size); err != nil {
		return internal(err)
	}
	return c.store.writeVolume(wanted)
}

// fits tells whether a volume is what a repeated request asks for.
func fits(found, wanted *volume, asked *csi.CapacityRange) bool {
	return found.Size >= asked.GetRequiredBytes() && (asked.GetLimitBytes() == 0 || found.Size <= asked.GetLimitBytes()) &&
		found.Name == wanted.Name && found.FileSystem == wanted.FileSystem && found.Node == wanted.Node &&
		found.Snapshot == wanted.Snapshot && maps.Equal(found.Attributes, wanted.Attributes)
}

func (c *controller) described(v *volume, source *csi.VolumeContentSource) *csi.Volume {
	answer := &csi.Volume{VolumeId: v.ID, CapacityBytes: v.Size, ContentSource: source}
	if v.Node != "" {
		answer.AccessibleTopology = []*csi.Topology{{Segments: map[string]string{topologyKey: v.Node}}}
	}
	return answer
}

func (c *controller) DeleteVolume(
	_ context.Context, request *csi.DeleteVolumeRequest,
) (*csi.DeleteVolumeResponse, error) {
	id := request.GetVolumeId()
	if id == "" {
		return nil, missing("volume_id")
	}
	found, release, err := c.store.lockedVolume(id)
	if status.Code(err) == codes.NotFound {
		return &csi.DeleteVolumeResponse{}, nil
	}
	if err != nil {
		return nil, err
	}
	defer release()
	attached, err := isAttached(c.store.volumeImage(found.ID))
	if err != nil {
		return nil, internal(err)
	}
	if attached {
		return nil, status.Errorf(codes.FailedPrecondition, "volume %s is in use", id)
	}
	return &csi.DeleteVolumeResponse{}, c.store.remove("volumes", id)
}

func (c *controller) ValidateVolumeCapabilities(
	_ context.Context, request *csi.ValidateVolumeCapabilitiesRequest,
) (*csi.ValidateVolumeCapabilitiesResponse, error) {
	if request.GetVolumeId() == "" {
		return nil, missing("volume_id")
	}
	if len(request.GetVolumeCapabilities()) == 0 {
		return nil, missing("volume_capabilities")
	}
	found, err := c.store.volume(request.GetVolumeId())
	if err != nil {
		return nil, err
	}
	for _, capability := range request.GetVolumeCapabilities() {
		why := unsupported(capability)
		if why == "" && fileSystemOf(capability) != found.FileSystem {
			why = "its file system is " + found.FileSystem
		}
		if why != "" {
			return &csi.ValidateVolumeCapabilitiesResponse{Message: why}, nil
		}
	}
	return &csi.ValidateVolumeCapabilitiesResponse{
		Confirmed: &csi.ValidateVolumeCapabilitiesResponse_Confirmed{
			VolumeContext: request.GetVolumeContext(), VolumeCapabilities: request.GetVolumeCapabilities(),
			Parameters: request.GetParameters()},
	}, nil
}

func (c *controller) ControllerExpandVolume(
	_ context.Context, request *csi.ControllerExpandVolumeRequest,
) (*csi.ControllerExpandVolumeResponse, error) {
	if request.GetVolumeId() == "" {
		return nil, missing("volume_id")
	}
	if request.GetCapacityRange() == nil {
		return nil, missing("capacity_range")
	}
	found, release, err := c.store.lockedVolume(request.GetVolumeId())
	if err != nil {
		return nil, err
	}
	defer release()
	wanted, err := size(request.GetCapacityRange(), found.Size)
	if err != nil {
		return nil, err
	}
	if wanted > found.Size {
		found.Size = wanted
		if err := enlargeImage(c.store.volumeImage(found.ID), wanted); err != nil {
			return nil, internal(err)
		}
		if err := c.store.writeVolume(found); err != nil {
			return nil, err
		}
	}
	return &csi.ControllerExpandVolumeResponse{CapacityBytes: found.Size, NodeExpansionRequired: true}, nil
}

func (c *controller) ControllerModifyVolume(
	_ context.Context, request *csi.ControllerModifyVolumeRequest,
) (*csi.ControllerModifyVolumeResponse, error) {
	if request.GetVolumeId() == "" {
		return nil, missing("volume_id")
	}
	if err := onlyKnown(request.GetMutableParameters(), attribute); err != nil {
		return nil, err
	}
	found, release, err := c.store.lockedVolume(request.GetVolumeId())
	if err != nil {
		return nil, err
	}
	defer release()
	found.Attributes = request.GetMutableParameters()
	return &csi.ControllerModifyVolumeResponse{}, c.store.writeVolume(found)
}
