-- wrk asks for the texts of SENTIMETER_TEXTS in turn, each with a number behind it: no two are the same, so that no
-- cache answers.
local texts = {}
for line in io.lines(os.getenv("SENTIMETER_TEXTS")) do
  texts[#texts + 1] = line:gsub('[%c"\\]', " ")
end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local thread = 0
function setup(t)
  t:set("id", thread)
  thread = thread + 1
end
local n = 0
function request()
  n = n + 1
  local text = texts[(n * 7919 + id * 31) % #texts + 1]
  return wrk.format(nil, "/v1/predict", nil, '{"text":"' .. text .. " " .. id .. "x" .. n .. '"}')
end
function done(summary, latency, requests)
  local seconds = summary.duration / 1e6
  local errors = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format("%.0f requests/s, p50 %.2f ms, p99 %.2f ms, %d errors\n", summary.requests / seconds,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, errors))
end
