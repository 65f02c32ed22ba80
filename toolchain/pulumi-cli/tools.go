//go:build tools

// Package tools pins the Pulumi CLI that `./mem0 setup` builds where the vendor's download site does not answer.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
