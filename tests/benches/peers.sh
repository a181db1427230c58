#!/usr/bin/env bash
# The workloads of the peers' benchmark, ours and theirs in turn, in one run on one machine, and a third of our own: eight
# markets in one book, which no peer measured here can play.
#
#   PEERS  folder with the peers' benchmark (gen_data.py, rust/); default ../shared/bench
#   DATA   folder for its data (about 0.8 GB) and for our datasets
#   TARGET cargo target folder for the peers (hftbacktest and the bare loop); without it only ours is measured
#   ROUNDS default 3
#
# Prints one line a round: CPU nanoseconds an event (or bar) of the loop alone, data loaded before, and the peak memory of
# the process. Then the least of all rounds, and the ratios. Fails when one of ours took 100 MiB or more.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${DATA:?set DATA to a folder for the benchmark data}"
TARGET=${TARGET:-}
PEERS=${PEERS:-../shared/bench}
ROUNDS=${ROUNDS:-3}

mkdir -p "$DATA"
if [ ! -s "$DATA/trades.csv" ]; then
  python3 "$PEERS/gen_data.py" "$DATA"
fi
cargo build --release --locked
engine=${CARGO_TARGET_DIR:-target}/release/engine
if [ -n "$TARGET" ] && [ ! -x "$TARGET/release/hft-w" ]; then
  # The workspace also holds slower peers that are not measured here.
  rm -rf "$TARGET/src" && mkdir -p "$TARGET" && cp -r "$PEERS/rust" "$TARGET/src" && chmod -R u+w "$TARGET/src"
  sed -i 's/members = .*/members = ["bareloop", "hft-w"]/' "$TARGET/src/Cargo.toml"
  CARGO_TARGET_DIR=$TARGET cargo build --release --manifest-path "$TARGET/src/Cargo.toml"
fi

field() { python3 -c 'import json,sys; d=json.loads(sys.stdin.read().strip().removeprefix("RESULT ")); print(*[d[k] for k in sys.argv[1:]])' "$@"; }

for w in w1 w2; do
  file=$([ $w = w1 ] && echo bars || echo trades)
  if [ ! -d "$DATA/dataset-$w" ]; then
    /usr/bin/env time -f "import $file.csv: %U user + %S system CPU s, %M KiB peak" \
      "$engine" import --dataset "$DATA/dataset-$w" --venue bench --instrument "${w^^}" "$DATA/$file.csv" >/dev/null
  fi
done
if [ ! -d "$DATA/dataset-w3" ]; then
  for market in 1 2 3 4 5 6 7 8; do
    "$engine" synth --dataset "$DATA/dataset-w3" --seed $market --bars 525600 --interval 1m --venue bench --instrument W3$market >/dev/null
  done
fi

measured=$(mktemp)
trap 'rm -f "$measured"' EXIT
# Says what a round gave, and keeps it for the end: workload, who, nanoseconds, MiB.
told() { echo "$1 round $round $2 $(awk '{printf "%6d fills, equity %s, %.1f ns CPU an event, %.0f MiB", $1, $2, $3, $4}' <<<"$3")"; awk -v w="$1" -v who="$2" '{print w, who, $3, $4}' <<<"$3" >>"$measured"; }

for round in $(seq "$ROUNDS"); do
  for w in w1 w2 w3; do
    rm -rf "$DATA/run-$w"
    ours=$("$engine" backtest "fixtures/config/$w.toml" --run "$DATA/run-$w" --dataset "$DATA/dataset-$w" --json 2>/dev/null)
    told $w "engine     " "$(field fills final_equity cpu_ns_per_tick peak_rss_mib <<<"$ours")"
    if [ -n "$TARGET" ] && [ $w != w3 ]; then
      events=$([ $w = w1 ] && echo 1000000 || echo 5000000)
      theirs=$("$TARGET/release/hft-w" "$DATA" $w trade | grep RESULT)
      told $w hftbacktest "$(field fills equity loop_cpu_s peak_rss_mib <<<"$theirs" | awk -v n=$events '{print $1, $2, $3 * 1e9 / n, $4}')"
    fi
  done
done
awk '
  { key = $1 " " $2; if (!(key in least) || $3 < least[key]) least[key] = $3; if ($4 > peak[key]) peak[key] = $4 }
  END {
    for (i = 1; i <= 3; i++) {
      w = "w" i; ours = least[w " engine"]; theirs = least[w " hftbacktest"]
      line = sprintf("%s least: engine %.1f ns, at most %.0f MiB", w, ours, peak[w " engine"])
      if (theirs) line = line sprintf("; hftbacktest %.1f ns, at most %.0f MiB; engine / hftbacktest %.2f", theirs, peak[w " hftbacktest"], ours / theirs)
      print line
      if (peak[w " engine"] >= 100) { print w ": the engine took " peak[w " engine"] " MiB, and 100 are the most it may"; failed = 1 }
    }
    exit failed
  }' "$measured"
