package main

import (
	"context"
	"fmt"

	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

// registrationService answers the kubelet, which finds its socket and asks what plugin that is.
type registrationService struct {
	registration.UnimplementedRegistrationServer
	endpoint string // socket of the CSI services, as the kubelet sees it
	refused  chan<- error
}

func (s *registrationService) GetInfo(
	context.Context, *registration.InfoRequest,
) (*registration.PluginInfo, error) {
	return &registration.PluginInfo{
		Type:              registration.CSIPlugin,
		Name:              driverName,
		Endpoint:          s.endpoint,
		SupportedVersions: []string{driverVersion},
	}, nil
}

// NotifyRegistrationStatus ends the driver when it was refused: its Pod says so then, and tries again.
func (s *registrationService) NotifyRegistrationStatus(
	_ context.Context, verdict *registration.RegistrationStatus,
) (*registration.RegistrationStatusResponse, error) {
	if !verdict.PluginRegistered {
		s.refused <- fmt.Errorf("the kubelet refused the driver: %s", verdict.Error)
	}
	return &registration.RegistrationStatusResponse{}, nil
}
