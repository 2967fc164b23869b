package main

import (
	"slices"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	mib         = int64(1) << 20
	defaultSize = 256 * mib
	maximumSize = 16384 * mib
)

// minimumSize of a file system: mkfs.xfs makes none below 300 MiB.
var minimumSize = map[string]int64{"ext4": 16 * mib, "xfs": 300 * mib}

var oneNode = []csi.VolumeCapability_AccessMode_Mode{
	csi.VolumeCapability_AccessMode_SINGLE_NODE_WRITER,
	csi.VolumeCapability_AccessMode_SINGLE_NODE_READER_ONLY,
	csi.VolumeCapability_AccessMode_SINGLE_NODE_SINGLE_WRITER,
	csi.VolumeCapability_AccessMode_SINGLE_NODE_MULTI_WRITER,
}

// unsupported says why a volume cannot be had with a capability; empty when it can.
func unsupported(capability *csi.VolumeCapability) string {
	switch {
	case capability.GetMount() == nil:
		return "only file systems can be mounted, not raw devices"
	case !slices.Contains(oneNode, capability.GetAccessMode().GetMode()):
		return "access mode " + capability.GetAccessMode().GetMode().String() + ": a volume is on one node at a time"
	case minimumSize[fileSystemOf(capability)] == 0:
		return "file system " + capability.GetMount().GetFsType() + ": there are ext4 and xfs"
	}
	return ""
}

func fileSystemOf(capability *csi.VolumeCapability) string {
	if kind := capability.GetMount().GetFsType(); kind != "" {
		return kind
	}
	return "ext4"
}

// fileSystem that all capabilities agree on. INVALID_ARGUMENT where there is none.
func fileSystem(capabilities []*csi.VolumeCapability) (string, error) {
	if len(capabilities) == 0 {
		return "", status.Error(codes.InvalidArgument, "volume_capabilities are missing")
	}
	for _, capability := range capabilities {
		if why := unsupported(capability); why != "" {
			return "", status.Error(codes.InvalidArgument, why)
		}
		if fileSystemOf(capability) != fileSystemOf(capabilities[0]) {
			return "", status.Error(codes.InvalidArgument, "volume_capabilities ask for two file systems")
		}
	}
	return fileSystemOf(capabilities[0]), nil
}

// size in bytes for a range: what is required, rounded up to whole MiB, at least `least`. OUT_OF_RANGE outside the limits.
func size(asked *csi.CapacityRange, least int64) (int64, error) {
	required, limit := asked.GetRequiredBytes(), asked.GetLimitBytes()
	if required < 0 || limit < 0 || (limit > 0 && limit < required) {
		return 0, status.Errorf(codes.OutOfRange, "no size is at least %d and at most %d bytes", required, limit)
	}
	if required > maximumSize {
		return 0, status.Errorf(codes.OutOfRange, "%d bytes are more than the %d that a volume may have", required, maximumSize)
	}
	if required == 0 {
		required = defaultSize
		if limit > 0 {
			required = min(limit, defaultSize)
		}
	}
	whole := (max(required, least) + mib - 1) / mib * mib
	if limit > 0 && whole > limit {
		return 0, status.Errorf(codes.OutOfRange, "a volume of %d bytes would be larger than the limit, %d", whole, limit)
	}
	return whole, nil
}

// onlyKnown refuses parameters that nothing reads.
func onlyKnown(parameters map[string]string, known ...string) error {
	for name := range parameters {
		if !slices.Contains(known, name) {
			return status.Errorf(codes.InvalidArgument, "unknown parameter %q; there are: %v", name, known)
		}
	}
	return nil
}

func missing(what string) error {
	return status.Errorf(codes.InvalidArgument, "%s is missing", what)
}
