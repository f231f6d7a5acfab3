module nodeless.io/bench/review-load

go 1.25
