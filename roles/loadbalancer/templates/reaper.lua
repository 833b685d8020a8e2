-- SPDX-License-Identifier: Apache-2.0
-- Ends the connections to a server some seconds after it went down, so that clients of a host that hangs connect again. The names of the
-- backends are arguments.
local backends, grace = table.pack(...), 2

local function is_up(status)
    return string.find(status, "^UP") or string.find(status, "^no check") or string.find(status, "^DRAIN") or string.find(status, "^MAINT")
end

core.register_task(function()
    local down_since = {}
    while true do
        core.sleep(1)
        for _, backend in ipairs(backends) do
            for name, server in pairs(core.backends[backend].servers) do
                local key, stats = backend .. "/" .. name, server:get_stats()
                if is_up(stats.status) then
                    down_since[key] = nil
                else
                    down_since[key] = down_since[key] or core.now().sec
                    if core.now().sec - down_since[key] >= grace and stats.scur > 0 then
                        core.log(core.warning, "ending " .. stats.scur .. " connections to " .. key .. ", which is " .. stats.status)
                        server:shut_sess()
                    end
                end
            end
        end
    end
end)
