-- Which directory a session is started in. Knows windows, buffers and repositories, nothing of sessions' lives.

local config = require('agor.config')
local message = require('agor.message')

local M = {}

---@param path string|nil
---@return string|nil
local function directory(path)
  if not path or path == '' then
    return nil
  end
  path = vim.fs.normalize(path)
  local stat = vim.uv.fs_stat(path)
  return stat and stat.type == 'directory' and path or nil
end

---@param buf integer
---@return string|nil
local function terminal(buf)
  local pid = vim.b[buf].terminal_job_pid
  -- Where the shell is by now; the buffer's name tells only where it began.
  local live = pid and vim.uv.fs_readlink(('/proc/%d/cwd'):format(pid))
  if directory(live) then
    return live
  end
  return directory(vim.api.nvim_buf_get_name(buf):match('^term://(.-)//%d+:'))
end

---The directory that a buffer stands for by itself: of a session, a terminal or a file manager.
---@param buf integer
---@return string|nil
local function own(buf)
  local session = vim.b[buf].agor_session
  if session then
    local row = require('agor.mirror').get(session)
    return row and row.cwd or nil
  end
  local name = vim.api.nvim_buf_get_name(buf)
  if vim.bo[buf].buftype == 'terminal' then
    return terminal(buf)
  elseif vim.bo[buf].filetype == 'netrw' then
    return directory(vim.b[buf].netrw_curdir)
  elseif name:match('^oil://') then
    return directory(name:sub(#'oil://' + 1))
  elseif name:match('^minifiles://') then
    -- minifiles://<buffer>/<path>
    return directory(name:match('^minifiles://%d+/(/.*)$'))
  end
  return directory(name)
end

---@param buf integer
---@return string|nil
local function file(buf)
  local name = vim.api.nvim_buf_get_name(buf)
  if name == '' or vim.bo[buf].buftype ~= '' or name:match('^%a[%w+.-]*://') then
    return nil
  end
  return vim.fs.normalize(name, { expand_env = false })
end

---@param path string
---@return string
local function real(path)
  return vim.uv.fs_realpath(path) or vim.fs.normalize(path, { expand_env = false })
end

---@return string
function M.window_directory()
  return vim.fs.normalize(vim.fn.getcwd(0), { expand_env = false })
end

---@return string
local function auto()
  local buf = vim.api.nvim_get_current_buf()
  local dir = M.window_directory()
  local set = vim.fn.haslocaldir() == 1 or vim.fn.haslocaldir(-1) == 1
  local path = file(buf)
  if set or not path then
    return dir
  end
  local top = vim.fs.root(path, '.git')
  if not top then
    return dir
  end
  local inside = vim.startswith(real(dir) .. '/', real(top) .. '/') and real(dir) ~= real(top)
  return inside and dir or top
end

---The current project's directory.
---@return string
function M.root()
  local buf = vim.api.nvim_get_current_buf()
  local rule = config.get().root
  if vim.is_callable(rule) then
    local ok, dir = pcall(rule --[[@as function]], buf)
    if ok and type(dir) == 'string' and directory(dir) then
      return directory(dir) --[[@as string]]
    end
    local why = ok and ('returned %s, which is no directory'):format(vim.inspect(dir))
      or message.line(dir)
    message.once('root: ' .. why, 'config.root: the function ' .. why .. "; 'auto' is used", 'warn')
    rule = 'auto'
  end
  local itself = own(buf)
  if itself then
    return itself
  elseif rule == 'cwd' then
    return M.window_directory()
  elseif type(rule) == 'table' then
    local path = file(buf) or M.window_directory()
    return vim.fs.root(path, rule) or M.window_directory()
  end
  return auto()
end

---Is the directory one that is hardly meant as a project?
---@param dir string
---@return boolean
function M.is_wide(dir)
  local home = vim.uv.os_homedir()
  return real(dir) == '/' or (home ~= nil and real(dir) == real(home))
end

return M
