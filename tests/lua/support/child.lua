--- A Neovim of its own for one test: keys are really typed, modes and windows are real.

local M = {}

local here = debug.getinfo(1, 'S').source:sub(2):match('^(.*)/[^/]*$')
local root = vim.fs.normalize(here .. '/../../..')

---@class agor.Child
---@field chan integer
---@field home string
local Child = {}
Child.__index = Child

local count = 0

---@param opts { columns: integer?, lines: integer?, stand_ins: boolean?, home: string? }?
---@return agor.Child
function M.start(opts)
  opts = opts or {}
  count = count + 1
  local home = opts.home or vim.fn.tempname() .. '-' .. count
  vim.fn.mkdir(home, 'p')
  local env = {}
  for name, folder in pairs({
    XDG_DATA_HOME = 'data',
    XDG_STATE_HOME = 'state',
    XDG_CONFIG_HOME = 'config',
    XDG_CACHE_HOME = 'cache',
  }) do
    env[name] = home .. '/' .. folder
  end
  env.NVIM_APPNAME = 'nvim'
  local chan = vim.fn.jobstart(
    { vim.v.progpath, '--clean', '-n', '-i', 'NONE', '--embed', '--headless' },
    { rpc = true, env = env, cwd = root }
  )
  assert(chan > 0, 'a child Neovim starts')
  local child = setmetatable({ chan = chan, home = home }, Child)
  child:lua(
    [[
      local root, columns, lines, stand_ins = ...
      vim.o.columns, vim.o.lines = columns, lines
      vim.opt.runtimepath:prepend(root)
      vim.g.agor_test_root = root
      if stand_ins then
        dofile(root .. '/tests/lua/support/stand_ins.lua')
      end
    ]],
    root,
    opts.columns or 160,
    opts.lines or 40,
    opts.stand_ins ~= false
  )
  return child
end

---@param code string
---@return any
function Child:lua(code, ...)
  return vim.rpcrequest(self.chan, 'nvim_exec_lua', code, { ... })
end

---@param code string of an expression
---@return any
function Child:get(code, ...)
  return self:lua('return ' .. code, ...)
end

---@param command string
function Child:cmd(command)
  vim.rpcrequest(self.chan, 'nvim_command', command)
end

--- Types keys and waits until they are dealt with.
---@param keys string
function Child:type(keys)
  vim.rpcrequest(self.chan, 'nvim_input', keys)
  self:settle()
end

--- Waits until the child has done what was scheduled and waits for a key.
function Child:settle()
  for _ = 1, 2 do
    self:lua('vim.g.agor_settled = false vim.schedule(function() vim.g.agor_settled = true end)')
    self:wait('vim.g.agor_settled')
  end
end

---@return string
function Child:mode()
  return self:lua('return vim.api.nvim_get_mode().mode')
end

--- Waits for an expression to be true.
---@param code string
---@param what string?
function Child:wait(code, what)
  local value
  local ok = vim.wait(5000, function()
    if vim.rpcrequest(self.chan, 'nvim_get_mode').blocking then
      return false
    end
    value = self:lua('return ' .. code)
    return value and value ~= vim.NIL
  end, 2)
  if not ok then
    error(('%s: still %s'):format(what or code, vim.inspect(value)), 2)
  end
  return value
end

---@return string
function Child:screen()
  if not vim.rpcrequest(self.chan, 'nvim_get_mode').blocking then
    -- Floats are put on the screen in the event loop.
    self:settle()
  end
  return self:lua([[
    vim.cmd.redraw()
    local rows = {}
    for row = 1, vim.o.lines do
      local cells = {}
      for col = 1, vim.o.columns do
        cells[col] = vim.fn.screenstring(row, col)
      end
      rows[row] = (table.concat(cells):gsub('%s+$', ''))
    end
    return table.concat(rows, '\n')
  ]])
end

--- All windows of the tabpage as `name width x height`.
---@return table<integer, integer[]>
function Child:sizes()
  return self:lua([[
    local out = {}
    for _, win in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
      out[tostring(win)] = { vim.api.nvim_win_get_width(win), vim.api.nvim_win_get_height(win) }
    end
    return out
  ]])
end

--- Leaves as a user does.
function Child:quit()
  vim.rpcnotify(self.chan, 'nvim_command', 'qall!')
  vim.fn.jobwait({ self.chan }, 5000)
end

function Child:stop()
  vim.fn.jobstop(self.chan)
  vim.fn.jobwait({ self.chan }, 2000)
end

--- Runs a test with a child that is gone afterwards, whatever happens.
---@param opts table?
---@param test fun(nvim: agor.Child)
---@return fun()
function M.test(opts, test)
  return function()
    local child = M.start(opts)
    -- A child that waits for a key inside a request would wait for ever.
    local pid = vim.fn.jobpid(child.chan)
    local watchdog = assert(vim.uv.new_timer())
    watchdog:start(30000, 0, function()
      vim.uv.kill(pid, 'sigkill')
    end)
    local ok, err = xpcall(test, debug.traceback, child)
    watchdog:close()
    child:stop()
    if not ok then
      error(err, 0)
    end
  end
end

---@param got any
---@param want any
---@param what string?
function M.equal(got, want, what)
  if not vim.deep_equal(got, want) then
    error(
      ('%s\n  got:  %s\n  want: %s'):format(
        what or 'not equal',
        vim.inspect(got),
        vim.inspect(want)
      ),
      2
    )
  end
end

---@param text string
---@param part string
function M.contains(text, part)
  if not text:find(part, 1, true) then
    error(('%q is not in:\n%s'):format(part, text), 2)
  end
end

---@param text string
---@param part string
function M.lacks(text, part)
  if text:find(part, 1, true) then
    error(('%q is in:\n%s'):format(part, text), 2)
  end
end

return M
