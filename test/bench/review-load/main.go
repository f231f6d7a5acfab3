// Asks a webhook the same review over and over, as an API server does: Go's own client, HTTP/2, one connection.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

type report struct {
	// Of each round, flat out: microseconds that one review took of the time.
	PerReviewMicros []float64 `json:"perReviewMicros"`
	// Of every review that was asked at a rate: milliseconds until its whole answer.
	LatenciesMs []float64 `json:"latenciesMs"`
	// Of every review that was asked at a rate: milliseconds by which it was asked too late, for want of a core.
	LatenessMs []float64 `json:"latenessMs"`
	// All that were asked, those that do not count included.
	Reviews int64 `json:"reviews"`
}

var (
	url      = flag.String("url", "", "of the webhook")
	caFile   = flag.String("ca", "", "file of the authority to trust")
	file     = flag.String("review", "", "file of the review")
	rounds   = flag.Int("rounds", 3, "how often, after one that does not count")
	ms       = flag.Int("ms", 5000, "of each part of a round")
	underWay = flag.Int("under-way", 32, "reviews at once, flat out")
	rate     = flag.Int("rate", 2000, "reviews a second, at a rate")
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func main() {
	flag.Parse()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(must(os.ReadFile(*caFile)))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	review := must(os.ReadFile(*file))
	var asked atomic.Int64

	ask := func() time.Duration {
		began := time.Now()
		answer := must(client.Post(*url, "application/json", bytes.NewReader(review)))
		body := must(io.ReadAll(answer.Body))
		answer.Body.Close()
		if answer.StatusCode != 200 || !bytes.Contains(body, []byte(`"patchType":"JSONPatch"`)) {
			fmt.Fprintf(os.Stderr, "%d: %.200s\n", answer.StatusCode, body)
			os.Exit(1)
		}
		asked.Add(1)
		return time.Since(began)
	}

	flatOut := func() float64 {
		began := time.Now()
		until := began.Add(time.Duration(*ms) * time.Millisecond)
		var answered atomic.Int64
		var workers sync.WaitGroup
		for range *underWay {
			workers.Go(func() {
				for time.Now().Before(until) {
					ask()
					answered.Add(1)
				}
			})
		}
		workers.Wait()
		return float64(time.Since(began).Microseconds()) / float64(answered.Load())
	}

	// Asks whether answers have come or not: each review has its own moment.
	atRate := func() (latencies, lateness []float64) {
		count := *rate * *ms / 1000
		latencies, lateness = make([]float64, count), make([]float64, count)
		began := time.Now()
		var asking sync.WaitGroup
		for index := range count {
			moment := began.Add(time.Duration(index) * time.Second / time.Duration(*rate))
			time.Sleep(time.Until(moment))
			asking.Go(func() {
				lateness[index] = float64(time.Since(moment).Microseconds()) / 1000
				latencies[index] = float64(ask().Microseconds()) / 1000
			})
		}
		asking.Wait()
		return latencies, lateness
	}

	result := report{}
	for round := range *rounds + 1 {
		flat := flatOut()
		latencies, lateness := atRate()
		if round == 0 {
			continue
		}
		result.PerReviewMicros = append(result.PerReviewMicros, flat)
		result.LatenciesMs = append(result.LatenciesMs, latencies...)
		result.LatenessMs = append(result.LatenessMs, lateness...)
	}
	result.Reviews = asked.Load()
	must(0, json.NewEncoder(os.Stdout).Encode(result))
}
