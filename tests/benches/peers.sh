#!/usr/bin/env bash
# Both workloads of the peers' benchmark, ours and theirs in turn, in one run on one machine.
#
#   PEERS  folder with the peers' benchmark (gen_data.py, rust/); default ../shared/bench
#   DATA   folder for its data (about 0.8 GB) and for our datasets
#   TARGET cargo target folder for the peers (hftbacktest and the bare loop)
#   ROUNDS default 3
#
# Prints one line a round: CPU nanoseconds an event of the loop alone, data loaded before.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${DATA:?set DATA to a folder for the benchmark data}" "${TARGET:?set TARGET to a cargo target folder}"
PEERS=${PEERS:-../shared/bench}
ROUNDS=${ROUNDS:-3}

mkdir -p "$DATA"
if [ ! -s "$DATA/trades.csv" ]; then
  python3 "$PEERS/gen_data.py" "$DATA"
fi
cargo build --release --locked
engine=${CARGO_TARGET_DIR:-target}/release/engine
if [ ! -x "$TARGET/release/hft-w" ]; then
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
for round in $(seq "$ROUNDS"); do
  for w in w1 w2; do
    events=$([ $w = w1 ] && echo 1000000 || echo 5000000)
    rm -rf "$DATA/run-$w"
    ours=$("$engine" backtest "fixtures/config/$w.toml" --run "$DATA/run-$w" --dataset "$DATA/dataset-$w" --json 2>/dev/null)
    echo "$w round $round engine      $(echo "$ours" | field fills final_equity cpu_ns_per_tick peak_rss_mib | awk '{printf "%6d fills, equity %s, %.1f ns CPU an event, %.0f MiB", $1, $2, $3, $4}')"
    theirs=$("$TARGET/release/hft-w" "$DATA" $w trade | grep RESULT)
    echo "$w round $round hftbacktest $(echo "$theirs" | field fills equity loop_cpu_s peak_rss_mib | awk -v n=$events '{printf "%6d fills, equity %s, %.1f ns CPU an event, %.0f MiB", $1, $2, $3 * 1e9 / n, $4}')"
  done
done
