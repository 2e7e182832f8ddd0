-- A Neovim of its own for one test, with the plugin, a fake backend and an empty home.

local M = {}

local here = debug.getinfo(1, 'S').source:sub(2):match('^(.*)/[^/]*$')
M.root = vim.fs.normalize(here .. '/../../..')

---@class agor.test.Nvim
---@field job integer
---@field chan integer
---@field home string
---@field log string
---@field code integer|nil
local Nvim = {}
Nvim.__index = Nvim

---@param opts? { env?: table<string, string>, ui?: boolean, cwd?: string, stand_ins?: boolean, before?: string }
---@return agor.test.Nvim
function M.start(opts)
  opts = opts or {}
  local home = vim.uv.fs_realpath(vim.fn.fnamemodify(vim.fn.tempname(), ':h'))
    .. '/home'
    .. vim.uv.hrtime()
  vim.fn.mkdir(home .. '/work', 'p')
  local self = setmetatable({ home = home, log = home .. '/wire.ndjson' }, Nvim)
  local env = vim.tbl_extend('force', {
    HOME = home,
    XDG_DATA_HOME = home .. '/data',
    XDG_STATE_HOME = home .. '/state',
    XDG_CONFIG_HOME = home .. '/config',
    XDG_CACHE_HOME = home .. '/cache',
    AGOR_BIN = M.root .. '/tests/lua/support/fake-backend',
    AGOR_FAKE_NVIM = vim.v.progpath,
    AGOR_FAKE_LOG = self.log,
    AGOR_ROOT = '',
    PATH = home .. '/bin:' .. os.getenv('PATH'),
  }, opts.env or {})
  local command = { vim.v.progpath, '--clean', '-n', '-i', 'NONE' }
  local job = {
    env = env,
    cwd = opts.cwd or home .. '/work',
    on_exit = function(_, code)
      self.code = code
    end,
  }
  if opts.ui then
    -- With a screen: a terminal that is reached through a socket.
    env.TERM = 'xterm-256color'
    local socket = home .. '/nvim.sock'
    job.pty, job.width, job.height = true, 100, 30
    -- Neovim 0.12 complains if the terminal does not answer its questions.
    env.NVIM_NOTTYFAST = '1'
    self.job = vim.fn.jobstart(vim.list_extend(command, { '--listen', socket }), job)
    self:wait('the socket', function()
      local ok, chan = pcall(vim.fn.sockconnect, 'pipe', socket, { rpc = true })
      self.chan = ok and chan > 0 and chan or nil
      return self.chan
    end)
  else
    job.rpc = true
    self.job = vim.fn.jobstart(vim.list_extend(command, { '--embed', '--headless' }), job)
    self.chan = self.job
  end
  assert(self.job > 0, 'a child Neovim starts')
  self:lua(
    [[
    local root, stand_ins, before = ...
    vim.opt.runtimepath:prepend(root)
    _G.notes, _G.calls, _G.plain_notify = {}, {}, vim.notify
    vim.notify = function(text, level) table.insert(_G.notes, { text = text, level = level }) end
    if stand_ins then
      -- The windows are not what is tested: each call is kept and succeeds.
      for _, name in ipairs({ 'pane', 'transcript', 'prompt', 'ask', 'board', 'bar', 'views', 'keys' }) do
        package.preload['agor.ui.' .. name] = function()
          return setmetatable({}, { __index = function(_, fn)
            return function(...)
              if name ~= 'bar' and name ~= 'keys' then
                table.insert(_G.calls, { name .. '.' .. fn, ... })
              end
              if name == 'transcript' and fn == 'apply' then return _G.patch_result or 'ok' end
              return true
            end
          end })
        end
      end
    end
    if before then assert(loadstring(before))() end
    vim.cmd('runtime plugin/agor.lua')
    ]],
    M.root,
    opts.stand_ins ~= false,
    opts.before
  )
  if opts.ui then
    self:wait_for('#vim.api.nvim_list_uis() > 0')
  end
  return self
end

---@param code string
---@return any
function Nvim:lua(code, ...)
  -- A request to a Neovim that waits for a key would wait too, for ever.
  local free = vim.wait(5000, function()
    return self.code ~= nil or not self:blocked()
  end, 5)
  if not free then
    error(('Neovim waits for a key in mode %s: %s'):format(vim.inspect(self:mode()), code), 2)
  end
  return vim.rpcrequest(self.chan, 'nvim_exec_lua', code, { ... })
end

---@return { mode: string, blocking: boolean }
function Nvim:mode()
  local mode = { mode = '', blocking = false }
  pcall(function()
    mode = vim.rpcrequest(self.chan, 'nvim_get_mode') --[[@as table]]
  end)
  return mode
end

---@return boolean
function Nvim:blocked()
  return self:mode().blocking
end

---@param expression string
---@return any
function Nvim:get(expression, ...)
  return self:lua('return ' .. expression, ...)
end

---@param command string
function Nvim:cmd(command)
  vim.rpcrequest(self.chan, 'nvim_command', command)
end

---@param keys string
function Nvim:type(keys)
  vim.rpcrequest(self.chan, 'nvim_input', keys)
end

---@param what string
---@param check fun(): any
---@return any
function Nvim:wait(what, check)
  local value
  vim.wait(10000, function()
    value = check()
    return value
  end, 5)
  if not value then
    local alive = self.chan and self.code == nil
    local notes = alive and vim.inspect(self:get('notes'))
      or ('it exited with ' .. tostring(self.code))
    error(('waited in vain for %s; notes: %s'):format(what, notes), 2)
  end
  return value
end

---Waits for an expression of the child.
---@param expression string
---@return any
function Nvim:wait_for(expression)
  return self:wait(expression, function()
    local value = self:get(expression)
    return value ~= vim.NIL and value
  end)
end

---What the fake backend was told, `listen` and `views` left out unless they are asked for.
---@param method? string
---@return { method: string, params: table, by_file: boolean|nil }[]
function Nvim:told(method)
  local out = {}
  for line in io.open(self.log) and io.lines(self.log) or function() end do
    local ok, entry = pcall(vim.json.decode, line)
    if
      ok
      and entry.method
      and (entry.method == method or not method and entry.method ~= 'listen')
    then
      table.insert(out, entry)
    end
  end
  return out
end

---@param method string
---@param count? integer
---@return any params of the last
function Nvim:wait_told(method, count)
  return self:wait(method, function()
    local all = self:told(method)
    return #all >= (count or 1) and all[#all].params
  end)
end

---@return string all notifications
function Nvim:notes()
  return table.concat(
    vim.tbl_map(function(note)
      return note.text
    end, self:get('notes')),
    '\n'
  )
end

---@param part string
function Nvim:wait_note(part)
  self:wait('the note ' .. part, function()
    return self:notes():find(part, 1, true)
  end)
end

---@param path string relative to the child's directory
---@param text string
---@return string full path
function Nvim:write(path, text)
  local full = path:match('^/') and path or self.home .. '/work/' .. path
  vim.fn.mkdir(vim.fs.dirname(full), 'p')
  local file = assert(io.open(full, 'w'))
  file:write(text)
  file:close()
  return full
end

function Nvim:stop()
  vim.fn.jobstop(self.job)
  vim.fn.jobwait({ self.job }, 5000)
  vim.fn.delete(self.home, 'rf')
end

---@param opts table|nil
---@param test fun(nvim: agor.test.Nvim)
---@return fun()
function M.test(opts, test)
  return function()
    local child = M.start(opts)
    local ok, err = xpcall(test, debug.traceback, child)
    child:stop()
    if not ok then
      error(err, 0)
    end
  end
end

---@param got any
---@param want any
---@param what? string
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

---@param text string|nil
---@param part string
function M.contains(text, part)
  if not text or not text:find(part, 1, true) then
    error(('%q is not in:\n%s'):format(part, tostring(text)), 2)
  end
end

return M
