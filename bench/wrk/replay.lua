-- Replays the requests of a file: "<length>\n<request>" one after the other, dealt out to the threads.
-- Arguments: file, number of threads, "again" or "once" (what to do after the last request).

local created = 0
local all = {}

function setup(thread)
    thread:set("number", created)
    created = created + 1
    all[created] = thread
end

function init(args)
    local threads = tonumber(args[2])
    once = args[3] == "once"
    exhausted = false
    position = 0
    requests = {}
    local file = assert(io.open(args[1], "rb"))
    local index = 0
    while true do
        local length = file:read("*l")
        if length == nil then break end
        local text = file:read(tonumber(length))
        if index % threads == number then requests[#requests + 1] = text end
        index = index + 1
    end
    file:close()
end

function request()
    position = position + 1
    if position > #requests then
        exhausted = once
        position = 1
    end
    return requests[position]
end

function done(summary, latency, _)
    local errors = summary.errors
    local out = false
    for _, thread in ipairs(all) do out = out or thread:get("exhausted") end
    print(string.format(
        '{"answered": %d, "seconds": %.6f, "not_2xx": %d, "socket_errors": %d, "exhausted": %s, '
            .. '"p50": %.3f, "p95": %.3f, "p99": %.3f, "max": %.3f}',
        summary.requests, summary.duration / 1e6, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout, tostring(out),
        latency:percentile(50) / 1000, latency:percentile(95) / 1000, latency:percentile(99) / 1000,
        latency.max / 1000))
end
