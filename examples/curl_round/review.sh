#!/usr/bin/env bash
# One commune's annual review of 2022 over the HTTP API, from the list to the recognition, with curl alone.
#
#   rasoat token create he-thong-xa --scope read --scope act --scope admin --days 30 \
#     --role committee:42/446/18766 --role enumerator:42/446/18766 --role commune_chair:42/446/18766 \
#     --role village_head:42/446/18766/18766-01 --role village_head:42/446/18766/18766-02 --role superior_chair:42/446 \
#     --role supervisor:42   # who registers the units of the province
#   rasoat serve &
#   RASOAT_TOKEN=rst_… examples/curl_round/review.sh
#
# Each act carries an Idempotency-Key: a run that was cut short is run again, and what was done is not done twice.
set -euo pipefail

api=${RASOAT_API:-http://127.0.0.1:8080}
token=${RASOAT_TOKEN:?the token that rasoat token create has shown}
here=$(cd "$(dirname "$0")" && pwd)
province=42 district=446 commune=18766 round=R-18766-2022
unit="$province/$district/$commune"
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

# call METHOD PATH [curl's options]: prints the answer's body; ends the script with the problem if it was not done.
call() {
  local method=$1 path=$2 status
  shift 2
  status=$(curl --silent --show-error --output "$answer" --write-out '%{http_code}' --request "$method" \
    --header "Authorization: Bearer $token" "$@" "$api$path")
  if ((status >= 400)); then
    echo "$method $path: $status $(<"$answer")" >&2
    return 1
  fi
  cat "$answer"
}

# send PATH JSON [curl's options]
send() {
  local path=$1 body=$2
  shift 2
  call POST "$path" --header 'Content-Type: application/json' --data-binary "$body" "$@"
}

# act TRIGGER DAY BODY [ROWS]: one act over every case of the round.
act() {
  local trigger=$1 day=$2 body=$3 rows=${4:-'{}'}
  send /v1/acts "{\"trigger\":\"$trigger\",\"occurred_on\":\"$day\",\"cases\":[$cases],\"body\":$body,\"rows\":$rows}" \
    --header "Idempotency-Key: $round-$trigger" >/dev/null || return
  echo "$day $trigger"
}

curl --silent --fail --output "$answer" "$api/health/ready" || { echo "nothing answers at $api" >&2; exit 1; }

send /v1/units "[
  {\"code\":\"$province\",\"name\":\"Tỉnh Mẫu\",\"level\":\"province\"},
  {\"code\":\"$district\",\"name\":\"Huyện Mẫu\",\"level\":\"district\",\"parent\":\"$province\"},
  {\"code\":\"$commune\",\"name\":\"Xã Mẫu\",\"level\":\"commune\",\"parent\":\"$district\"},
  {\"code\":\"$commune-01\",\"name\":\"Thôn Một\",\"level\":\"village\",\"parent\":\"$commune\"},
  {\"code\":\"$commune-02\",\"name\":\"Thôn Hai\",\"level\":\"village\",\"parent\":\"$commune\"}
]" >/dev/null
send /v1/rounds "{\"code\":\"$round\",\"procedure\":\"annual\",\"unit\":\"$unit\",\"started_on\":\"2022-09-26\"}" >/dev/null

# The list comes in as the commune keeps it; each sound household is put forward in the round at once.
call POST /v1/households/upload --form "file=@$here/households.csv;type=text/csv" --form "round=$round" >/dev/null

# Identifiers are strings of digits: "id":"912183339304593162".
listed=$(call GET "/v1/cases?round=$round&limit=1000")
ids=$(grep -o '"id":"[0-9]*"' <<<"$listed" | grep -o '[0-9]*')
cases=$(sed 's/.*/"&"/' <<<"$ids" | paste -s -d ,)

# B1 and B2 of each household as the enumerator scored them (Phiếu B); households in the order of their cases.
scores=('110 50' '130 20' '90 40')
rows='' number=0
for id in $ids; do
  read -r b1 b2 <<<"${scores[number++]}"
  rows+="${rows:+,}\"$id\":{\"b1\":$b1,\"b2\":$b2,\"area\":\"rural\",\"respondent\":\"head\",\"surveyor\":\"DTV-01\"}"
done

act list_managed 2022-09-27 '{}'
act survey 2022-10-03 '{}' "{$rows}"
act meet 2022-10-10 '{"attendees":90,"in_favour":85,"copies":2,"signed_by_chair":true,"signed_by_secretary":true,"signed_by_households":true}'
act post 2022-10-24 '{"at_commune_office":true,"at_village_house":true}'

# The posting closes by itself when its three working days are over; the worker sees to it (rasoat worker), or:
call POST /v1/due/run >/dev/null

act summarise 2022-10-28 '{}'
act report 2022-10-31 '{"number":"31/BC-UBND"}'
act receive_report 2022-11-01 '{}'

# The law's refusals are answers, not crashes: no recognition before the superior's opinion.
if act recognise 2022-11-01 '{"number":"77/QĐ-UBND","opinion":"412/UBND-LĐTBXH"}' 2>/dev/null; then
  echo "recognised without an opinion" >&2
  exit 1
fi
echo "refused: $(grep -o '"code":"[^"]*"' "$answer" | head -n 1)"

act give_opinion 2022-11-04 '{"number":"412/UBND-LĐTBXH"}'
act recognise 2022-11-07 '{"number":"77/QĐ-UBND","opinion":"412/UBND-LĐTBXH"}'

call GET "/v1/rounds/$round/states"
echo
call GET "/v1/certificates?unit=$unit" --header 'Accept: text/csv'
