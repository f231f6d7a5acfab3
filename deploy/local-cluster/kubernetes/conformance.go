//go:build conformance

package main

// The conformance suite is compiled with `go test -c`; naming it here keeps its dependencies in go.mod.
import _ "k8s.io/kubernetes/test/e2e"
