-- Programs asked side by side for a line of text, such as their version, within a time. What has not answered by then is
-- killed with all that it has started. Knows processes, nothing of agents.

local M = {}

-- A version is a line. A program that prints without an end is not listened to: it would keep the editor from seeing that
-- the time is over.
local most = 64 * 1024

---@class agor.Asked
---@field command string[]
---@field env table<string, string>
---@field enough? fun(output: string): boolean for one that does not end by itself: its input stays open until then

---@param chunks string[]
---@param flooded fun() there is too much of it
---@return fun(err: string|nil, data: string|nil)
local function collect(chunks, flooded)
  local size = 0
  return function(_, data)
    if not data or size >= most then
      return
    end
    size = size + #data
    table.insert(chunks, data)
    if size >= most then
      flooded()
    end
  end
end

---@param asked table<string, agor.Asked>
---@param limit_ms integer for all of them
---@return table<string, string> output of each that ended well, standard output first
---@return table<string, true> late those that did not answer in time
function M.ask(asked, limit_ms)
  local running, out, late = {}, {}, {} ---@type table<string, any>, table<string, string>, table<string, true>
  for name, one in pairs(asked) do
    local stdout, stderr = {}, {}
    local job
    local function close()
      running[name] = nil
      vim.uv.kill(-job.pid, 'sigkill')
    end
    local function flooded()
      if running[name] then
        late[name] = true
        close()
      end
    end
    local keep = collect(stdout, flooded)
    local ok, started = pcall(vim.system, one.command, {
      env = one.env,
      clear_env = true,
      -- Not the project's: some programs read what lies there.
      cwd = '/',
      -- A group of its own: the end has to reach what a wrapper has started.
      detach = true,
      stdin = one.enough ~= nil or nil,
      stdout = function(err, data)
        keep(err, data)
        if one.enough and running[name] and one.enough(table.concat(stdout)) then
          out[name] = table.concat(stdout)
          close()
        end
      end,
      stderr = collect(stderr, flooded),
    }, function(result)
      if running[name] then
        running[name] = nil
        if result.code == 0 then
          out[name] = vim.trim(table.concat(stdout) .. '\n' .. table.concat(stderr))
        end
      end
    end)
    -- One that is on PATH and cannot be run has no version to tell.
    job = ok and started or nil
    running[name] = job
  end
  vim.wait(limit_ms, function()
    return next(running) == nil
  end, 20)
  for name, job in pairs(running) do
    late[name] = true
    vim.uv.kill(-job.pid, 'sigkill')
  end
  return out, late
end

---The line of an answer that has the version in it, short enough to be shown.
---@param output string|nil
---@return string|nil
function M.line(output)
  local first, numbered
  for line in (output or ''):gmatch('[^\r\n]+') do
    line = vim.trim(require('agor.ui.cells').clean((line:gsub('\27%[[%d;]*%a', ''))))
    first = first or (line ~= '' and line or nil)
    numbered = numbered or (line:find('%d+%.%d+') and line or nil)
  end
  local line = numbered or first
  return line and vim.fn.strcharpart(line, 0, 60) or nil
end

return M
