// Command csi-driver is the storage of the test cluster: a CSI driver whose volumes are images in a folder, mounted by
// loop devices. It is a real driver as far as Kubernetes can tell: sizes, growth, snapshots, late binding, one writer.
//
// All nodes are containers of one kernel and share the folder, so the controller service can run on any of them.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

func main() {
	endpoint := flag.String("endpoint", "/csi/csi.sock", "socket of the CSI services, where the kubelet sees it, too")
	node := flag.String("node", "", "name of this node")
	folder := flag.String("folder", "/var/lib/bosh-csi", "where volumes and snapshots are, on every node")
	registrar := flag.String("registration", "", "folder of the kubelet's plugin sockets; empty: do not register")
	flag.Parse()
	log.SetFlags(log.Lmicroseconds)
	if err := run(*endpoint, *node, *folder, *registrar); err != nil {
		log.Fatal(err)
	}
}

// run serves until SIGTERM, SIGINT, or until the kubelet refuses the driver.
func run(endpoint, node, folder, registrar string) error {
	if node == "" {
		return errors.New("--node is missing")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	volumes, err := openStore(folder)
	if err != nil {
		return err
	}
	if err := thawLeftovers(volumes); err != nil {
		return err
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(logged))
	csi.RegisterIdentityServer(server, &identity{})
	csi.RegisterControllerServer(server, &controller{store: volumes, node: node})
	csi.RegisterNodeServer(server, &nodeService{store: volumes, node: node})
	ended := make(chan error, 2)
	if err := serve(server, endpoint, ended); err != nil {
		return err
	}
	defer server.GracefulStop()
	if registrar != "" {
		announcer := grpc.NewServer()
		registration.RegisterRegistrationServer(announcer, &registrationService{endpoint: endpoint, refused: ended})
		if err := serve(announcer, filepath.Join(registrar, driverName+"-reg.sock"), ended); err != nil {
			return err
		}
		defer announcer.GracefulStop()
	}
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return nil
	}
}

func serve(server *grpc.Server, socket string, ended chan<- error) error {
	if err := os.MkdirAll(filepath.Dir(socket), 0o750); err != nil {
		return err
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	go func() {
		if err := server.Serve(listener); err != nil {
			ended <- err
		}
	}()
	return nil
}

// logged writes a line for each call that changes something or fails.
func logged(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	answer, err := handler(ctx, request)
	_, method, _ := strings.Cut(strings.TrimPrefix(info.FullMethod, "/"), "/")
	asked, _ := request.(interface{ GetVolumeId() string })
	volume := ""
	if asked != nil {
		volume = " " + asked.GetVolumeId()
	}
	if err != nil {
		log.Printf("%s%s: %s: %s", method, volume, status.Code(err), status.Convert(err).Message())
	} else if !strings.Contains(method, "Get") && method != "Probe" {
		log.Printf("%s%s: done", method, volume)
	}
	return answer, err
}
