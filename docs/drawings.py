"""The pictures of the pages: `make docs` writes them into docs/pictures."""

from __future__ import annotations

from collections.abc import Callable

from draw import Arrow, Box, Step, diagram, sequence

CALLER, CPI, SERVER, OPERATOR, NODE = range(5)
PARTIES = (
    "create-env / Director",
    "CPI\none process a call",
    "API server",
    "operator",
    "node\nkubelet, firmware, guest",
)


def parts() -> str:
    return diagram(
        "The parts, and who talks to whom",
        940,
        330,
        [
            Box(10, 60, 150, 60, "bosh / Director\nJSON on stdin"),
            Box(210, 60, 164, 60, "bosh-kubernetes-cpi\none process a call"),
            Box(430, 10, 500, 310, "the cluster", "g"),
            Box(450, 50, 160, 80, "VirtualMachine\nspec: what is wanted\nstatus: what is there", "a"),
            Box(450, 220, 160, 60, "registry\nheavy stemcells"),
            Box(700, 50, 140, 80, "operator\nlooks, takes the\nnext step"),
            Box(640, 190, 130, 50, "Pod vm-…\nthe machine", "a"),
            Box(790, 190, 130, 50, "Pod disk-…\nattachment"),
            Box(790, 262, 130, 50, "claim disk-…\npersistent disk", "a"),
        ],
        [
            Arrow(((160, 80), (210, 80)), "call", (176, 73)),
            Arrow(((210, 104), (160, 104)), "answer", (163, 119), dashed=True),
            Arrow(((374, 78), (450, 78)), "spec", (396, 71)),
            Arrow(((450, 106), (374, 106)), "status", (392, 121), dashed=True),
            Arrow(((295, 120), (295, 250), (450, 250)), "layers of a stemcell", (305, 243)),
            Arrow(((610, 78), (700, 78)), "watches", (630, 71)),
            Arrow(((700, 106), (610, 106)), "status", (636, 121), dashed=True),
            Arrow(((730, 130), (730, 190)), "makes, gives\norders", (652, 156)),
            Arrow(((820, 130), (820, 190)), "makes", (828, 164)),
            Arrow(((855, 240), (855, 262)), "mounts", (862, 256)),
            Arrow(((790, 225), (770, 225))),
            Arrow(((530, 220), (530, 205), (640, 205)), "image", (560, 200)),
        ],
    )


def create_vm() -> str:
    return sequence(
        "What create_vm does",
        PARTIES,
        [
            Step(CALLER, CPI, "create_vm(agent, stemcell,\nsizes, networks, disks, env)"),
            Step(CPI, SERVER, "VirtualMachine vm-…"),
            Step(CPI, SERVER, "Secret (credentials), then\nConfigMap (settings), last"),
            Step(SERVER, OPERATOR, "a machine, all of it there"),
            Step(OPERATOR, SERVER, "Service of the static address,\nPod vm-…"),
            Step(SERVER, NODE, "scheduled; image pulled, volumes mounted"),
            Step(NODE, NODE, "firmware mounts the root disk\nand starts the guest's init"),
            Step(NODE, SERVER, "Pod is ready", answer=True),
            Step(SERVER, OPERATOR, "Pod is ready", answer=True),
            Step(OPERATOR, SERVER, "status: GuestRunning=True"),
            Step(SERVER, CPI, "watch: GuestRunning", answer=True),
            Step(CPI, CALLER, "[vm-…, networks]", answer=True),
            Step(NODE, CALLER, "the agent starts, and says so on the message bus"),
        ],
    )


def attach_disk() -> str:
    return sequence(
        "What attach_disk does",
        PARTIES,
        [
            Step(CALLER, CPI, "attach_disk(vm-…, disk-…)"),
            Step(CPI, SERVER, "spec.disks += disk-…"),
            Step(SERVER, OPERATOR, "a disk is wanted"),
            Step(OPERATOR, SERVER, "Pod disk-…, on that node\n(its name is the lock)"),
            Step(SERVER, NODE, "mount the claim into the attachment Pod"),
            Step(NODE, NODE, "it is bound into the directory\nthat the machine sees"),
            Step(OPERATOR, NODE, "order: attach disk-…"),
            Step(NODE, OPERATOR, "the guest sees the mount", answer=True),
            Step(OPERATOR, SERVER, "status.disks: Attached"),
            Step(SERVER, CPI, "watch: Attached", answer=True),
            Step(CPI, CALLER, "its path: /warden-cpi-dev/…", answer=True),
            Step(CALLER, NODE, "the agent is told the path, and mounts it at /var/vcap/store"),
        ],
    )


def reboot() -> str:
    return sequence(
        "What reboot_vm does",
        PARTIES,
        [
            Step(CALLER, CPI, "reboot_vm(vm-…)"),
            Step(CPI, SERVER, "spec.reboot = a new id"),
            Step(SERVER, OPERATOR, "a reboot is wanted"),
            Step(OPERATOR, NODE, "order: reboot id (served once)"),
            Step(NODE, NODE, "guest stops in order, hard\nafter the grace time"),
            Step(NODE, NODE, "init starts again: same Pod,\naddress, root disk, disks"),
            Step(OPERATOR, NODE, "status?"),
            Step(NODE, OPERATOR, "served: id", answer=True),
            Step(OPERATOR, SERVER, "status.reboot = id"),
            Step(SERVER, CPI, "watch: served", answer=True),
            Step(CPI, CALLER, "null", answer=True),
        ],
    )


def objects() -> str:
    return diagram(
        "Objects of one machine with one disk",
        920,
        350,
        [
            Box(10, 70, 190, 64, "VirtualMachine vm-…\nlives until delete_vm", "a"),
            Box(10, 180, 190, 50, "ConfigMap vm-…\nsettings"),
            Box(10, 260, 190, 50, "Secret vm-…\ncredentials"),
            Box(270, 10, 640, 330, "one node", "g"),
            Box(300, 60, 230, 84, "Pod vm-… (machine)\none container: the stemcell,\nstarted by the firmware", "a"),
            Box(300, 190, 230, 50, "root disk\nemptyDir, or claim vm-…-root"),
            Box(640, 60, 230, 84, "Pod disk-… (attachment)\none for each attached disk;\nits name is the lock"),
            Box(640, 190, 230, 50, "host directory\n…/<vm uid>/disks/disk-…"),
            Box(640, 280, 230, 46, "PersistentVolumeClaim disk-…\nowned by nobody", "a"),
        ],
        [
            Arrow(((200, 100), (300, 100)), "becomes", (210, 93)),
            Arrow(((105, 180), (105, 134)), "owned by", (112, 162)),
            Arrow(((40, 260), (40, 134))),
            Arrow(((415, 144), (415, 190)), "/", (422, 172)),
            Arrow(((640, 90), (530, 90)), "same node", (556, 83)),
            Arrow(((700, 144), (700, 190)), "binds", (707, 172)),
            Arrow(((640, 215), (585, 215), (585, 120), (530, 120)), "/warden-cpi-dev\n(propagated)", (538, 258)),
            Arrow(((870, 302), (892, 302), (892, 100), (870, 100)), "mounted", (812, 164)),
        ],
    )


def microbosh() -> str:
    return diagram(
        "MicroBOSH on kind: who reaches whom",
        960,
        360,
        [
            Box(10, 10, 190, 340, "your machine", "g"),
            Box(30, 50, 150, 46, "bosh create-env"),
            Box(30, 120, 150, 46, "bosh"),
            Box(30, 260, 150, 46, "CPI of create-env"),
            Box(300, 10, 650, 340, "the cluster: one node of kind", "g"),
            Box(330, 76, 164, 60, "Service bosh-director\nnode ports"),
            Box(330, 253, 164, 60, "API server\n10.96.0.1:443"),
            Box(
                640,
                50,
                280,
                112,
                "Pod of the Director\nagent 6868, Director 25555\nNATS 4222, blobstore 25250\nits CPI",
                "a",
            ),
            Box(640, 200, 280, 46, "Service ip-10-96-0-200\nthe Director's address"),
            Box(640, 290, 280, 46, "Pods of machines", "a"),
        ],
        [
            Arrow(((180, 73), (250, 73), (250, 92), (330, 92)), "127.0.0.1:30868", (202, 66)),
            Arrow(((180, 143), (250, 143), (250, 122), (330, 122)), "127.0.0.1:30555", (202, 160)),
            Arrow(((180, 283), (330, 283)), "127.0.0.1,\nkind's own port", (205, 262)),
            Arrow(((494, 106), (640, 106)), "by the Pod's label", (514, 99)),
            Arrow(((640, 140), (560, 140), (560, 272), (494, 272)), "10.96.0.1:443", (472, 225)),
            Arrow(((780, 290), (780, 246)), "10.96.0.200,\n4222 and 25250", (676, 266)),
            Arrow(((780, 200), (780, 162))),
        ],
    )


DRAWINGS: dict[str, Callable[[], str]] = {
    "parts": parts,
    "objects": objects,
    "create_vm": create_vm,
    "attach_disk": attach_disk,
    "reboot": reboot,
    "microbosh": microbosh,
}
