"""The operator: reconciles VirtualMachine resources into Pods, attachments and status."""
