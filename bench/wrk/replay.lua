-- Replays the requests of a file: "<length>\n<request>" one after the other, dealt out to the threads.
-- Arguments: file, number of threads, "again" or "once" (what to do after the last request), number of connections.
--
-- Prints what was answered as JSON, latencies as counts by microsecond. wrk hands them over with answers added that
-- nobody sent: for each that took twice the mean or longer, those that a client with a fixed rate would have sent
-- meanwhile (stats_correct in its stats.c). They are taken out again here, and the reader checks that as many answers
-- are left as were counted.

local ffi = require("ffi")
ffi.cdef("typedef struct { uint64_t count, limit, min, max, data[]; } wrk_stats;")

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
    connections = tonumber(args[4])
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
    loaded = os.clock()
end

function request()
    position = position + 1
    if position > #requests then
        exhausted = once
        position = 1
    end
    return requests[position]
end

-- Counts by microsecond, without the answers that wrk added.
local function measured(latency, summary, connections)
    local stats = ffi.cast("wrk_stats **", latency)[0]
    local counts, longest = {}, tonumber(stats.max)
    for at = 0, longest do
        local count = tonumber(stats.data[at])
        if count > 0 then counts[at] = count end
    end
    local each = math.floor(summary.requests / connections)
    if each == 0 then return counts end
    local expected = math.floor(summary.duration / each)
    for at = longest, expected * 2, -1 do
        local count = counts[at]
        if count and count > 0 then
            local added = at - expected
            while added > expected do
                counts[added] = counts[added] - count
                added = added - expected
            end
        end
    end
    return counts
end

function done(summary, latency, _)
    local errors = summary.errors
    local out, spent = false, 0
    for _, thread in ipairs(all) do
        out = out or thread:get("exhausted")
        spent = math.max(spent, thread:get("loaded"))
        connections = thread:get("connections")
    end
    local times = {}
    for at, count in pairs(measured(latency, summary, connections)) do
        if count ~= 0 then times[#times + 1] = string.format("[%d, %d]", at, count) end
    end
    print(string.format(
        '{"answered": %d, "seconds": %.6f, "not_2xx": %d, "socket_errors": %d, "exhausted": %s, '
            .. '"cpu_seconds": %.6f, "microseconds": [%s]}',
        summary.requests, summary.duration / 1e6, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout, tostring(out),
        os.clock() - spent, table.concat(times, ", ")))
end
