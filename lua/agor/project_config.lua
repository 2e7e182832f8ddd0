-- What a project itself may set: the data of `.agor.json` at its top, and only once the user trusts that very file
-- (|vim.secure.read()|, |:trust|). Knows the file's keys and Neovim's list of trusted files; starts nothing.

local config_schema = require('agor.config_schema')
local near = require('agor.near')
local state = require('agor.state')

local M = {}

M.name = '.agor.json'

-- A file that somebody has to read before they trust it is not longer than that.
local most_bytes = 256 * 1024

---@class agor.ProjectWorktree
---@field branch string|nil
---@field base string|nil
---@field copy string[]|nil
---@field submodules boolean|nil

---@class agor.ProjectConfig what a trusted `.agor.json` says
---@field path string of the file
---@field provider string|nil the agent that is started where none is named
---@field worktree agor.ProjectWorktree|nil
---@field policy any as written: it is checked where it is used

---@param path string
---@return string|nil the first line
local function line(path)
  local file = io.open(path, 'r')
  -- Nobody's path is longer, and what a project brings may have no end.
  local text = file and file:read(8192) or nil
  if file then
    file:close()
  end
  return text and text:match('^[^\n]*') or nil
end

---@param path string
---@return boolean
local function is_file(path)
  local stat = vim.uv.fs_stat(path)
  return stat ~= nil and stat.type == 'file'
end

---The main worktree that a linked one belongs to, by the rules of src/session/project.rs: the repository has to know of it,
---or anybody's folder could say that it is of a trusted project.
---@param top string
---@return string|nil
local function main_of(top)
  local git = top .. '/.git'
  local own = is_file(git) and (line(git) or ''):match('^gitdir:%s*(.-)%s*$') or nil
  if not own then
    return nil
  end
  own = vim.startswith(own, '/') and own or vim.fs.joinpath(top, own)
  local back, common = own .. '/gitdir', own .. '/commondir'
  if not is_file(back) or not is_file(common) then
    return nil
  end
  local function resolve(path)
    path = vim.trim(path or '')
    return vim.uv.fs_realpath(vim.startswith(path, '/') and path or vim.fs.joinpath(own, path))
  end
  if resolve(line(back)) ~= vim.uv.fs_realpath(git) then
    return nil
  end
  return (resolve(line(common)) or ''):match('^(.+)/%.git$')
end

---The project's top: of the repository around a directory, of its main worktree if that is a linked one.
---@param dir string
---@return string
local function top_of(dir)
  local at = vim.uv.fs_realpath(dir) or dir
  while at do
    local git = vim.uv.fs_stat(at .. '/.git')
    -- Git takes an empty folder of that name for none.
    if git and (git.type ~= 'directory' or vim.uv.fs_stat(at .. '/.git/HEAD')) then
      return main_of(at) or at
    end
    local above = vim.fs.dirname(at)
    at = above ~= at and above or nil
  end
  return dir
end

---From the home directory on: where there is little room, the end of a sentence is cut.
---@param path string
---@return string
local function shown(path)
  return vim.fn.strtrans(vim.fn.fnamemodify(path, ':~'))
end

---Of a plain file that is short enough; whatever stands in its place meanwhile holds nobody up.
---@param path string
---@return string|nil
local function contents(path)
  local c = vim.uv.constants --[[@as table<string, integer>]]
  local fd = vim.uv.fs_open(path, bit.bor(c.O_RDONLY, c.O_NONBLOCK or 0, c.O_NOFOLLOW or 0), 0)
  if not fd then
    return nil
  end
  local stat = vim.uv.fs_fstat(fd)
  local text = stat and stat.type == 'file' and vim.uv.fs_read(fd, most_bytes + 1, 0) or nil
  vim.uv.fs_close(fd)
  return text and #text <= most_bytes and text or nil
end

---What Neovim's list says of the file, without a question to the user. |vim.secure.read()| has no way to be asked that
---does not ask them, and to answer its question in their place means to put something into the place of
---`vim.fn.confirm()` for everybody. So the list itself is read, by the rules of `runtime/lua/vim/secure.lua` (the same in
---0.11.4 and 0.12.4): lines of a hash and a path, the last one of a path counts, `!` denies. A list that is written in
---another way trusts nothing here: then Neovim asks.
---@param path string
---@return string|nil text of a trusted file: what was hashed, and no other
---@return boolean undecided neither trusted nor denied
local function known(path)
  local text = contents(path)
  if not text then
    return nil, false
  end
  local list = io.open(vim.fn.stdpath('state') .. '/trust', 'r')
  if not list then
    return nil, true
  end
  local said ---@type string|nil
  for each in list:lines() do
    local hash, of = tostring(each):match('^(%S+) (.+)$')
    if of == path then
      said = hash
    end
  end
  list:close()
  -- A NUL makes the text none for Vim's functions, and JSON has none.
  local ok, hash = pcall(vim.fn.sha256, text)
  if ok and said == hash then
    return text, false
  end
  return nil, said ~= '!'
end

---@param path string
---@param stamp string
---@return string|nil text
---@return string|nil message
local function trusted(path, stamp)
  local text, undecided = known(path)
  if text or not undecided then
    -- Who has denied it knows.
    return text
  end
  local asked = ('project file %s %s'):format(path, stamp)
  -- "View" makes a command of the path as it is, so a path that is not plain is not asked about.
  local plain = vim.fn.fnameescape(path) == path and not path:find('%c')
  if plain and #vim.api.nvim_list_uis() > 0 and not state.said[asked] then
    state.said[asked] = true
    -- Where Neovim keeps its list; it does not make the folder.
    pcall(vim.fn.mkdir, vim.fn.stdpath('state') --[[@as string]], 'p')
    -- What was read before it was asked may be another text by now: only what the list says afterwards counts.
    pcall(vim.secure.read, path)
    text, undecided = known(path)
    if text or not undecided then
      return text
    end
  end
  return nil,
    ('%s is not used, since you do not trust it: look at it with :edit, say :trust there, then start anew'):format(
      shown(path)
    )
end

---@param value any
---@param complain fun(key: string, what: string)
---@return agor.ProjectWorktree|nil
local function worktree(value, complain)
  if type(value) ~= 'table' then
    return complain('worktree', 'must be a table')
  end
  local out = {}
  for key, item in pairs(value) do
    local here = 'worktree.' .. tostring(key)
    if key == 'directory' then
      complain(here, 'is yours alone to set, in your own configuration')
    else
      local check = config_schema.config.worktree[key]
      if check then
        local ok, wrong = check(item)
        out[key] = ok
        if wrong then
          complain(here, wrong --[[@as string]])
        end
      else
        local keys = { 'branch', 'base', 'copy', 'submodules' }
        complain(here, 'is no key of ' .. M.name .. near.hint(tostring(key), keys))
      end
    end
  end
  return out
end

---@param path string
---@param text string
---@return agor.ProjectConfig|nil
---@return string|nil message
local function decode(path, text)
  local name = shown(path)
  local ok, value = pcall(vim.json.decode, text, { luanil = { object = true, array = true } })
  if not ok then
    return nil,
      ('%s is not used, since it is no JSON: %s'):format(name, require('agor.message').line(value))
  elseif type(value) ~= 'table' or (vim.islist(value) and #value > 0) then
    return nil, ('%s is not used: it must be one JSON object'):format(name)
  end
  ---@type agor.ProjectConfig
  local out = { path = path }
  local wrong = {}
  local function complain(key, what)
    table.insert(wrong, ('%s %s'):format(vim.fn.strtrans(key), what))
  end
  for key, item in pairs(value) do
    if key == 'policy' then
      -- What is no table is no policy, and who looks for what it forbids has to know.
      out.policy = item
    elseif key == 'provider' then
      if type(item) == 'string' and item:match('^%w[%w._-]*$') then
        out.provider = item
      else
        complain(key, 'must be the name of a provider')
      end
    elseif key == 'worktree' then
      out.worktree = worktree(item, complain)
    elseif key ~= '$schema' then
      local hint = near.hint(tostring(key), { 'policy', 'provider', 'worktree' })
      complain(tostring(key), ('is no key of %s%s'):format(M.name, hint))
    end
  end
  table.sort(wrong)
  return out, #wrong > 0 and ('in %s, %s'):format(name, table.concat(wrong, '; ')) or nil
end

---What the project of a directory sets. Asks the user about a file that they have not decided on, once for each of its
---contents; without somebody to ask only what is trusted already is used.
---@param dir string
---@return agor.ProjectConfig|nil nil: there is none, or it is not to be used
---@return string|nil message what is wrong with it, also beside a value of which the rest is used
function M.read(dir)
  local top = top_of(dir)
  local named = vim.fs.joinpath(vim.uv.fs_realpath(top) or top, M.name)
  local path = vim.uv.fs_realpath(named)
  local stat = path and vim.uv.fs_stat(path)
  if not path or not stat then
    return nil
  elseif path ~= named then
    -- It may lead to one that is trusted, for another project.
    return nil, ('%s is not used: it is a link'):format(shown(named))
  elseif stat.type ~= 'file' then
    -- A pipe would hold up the editor.
    return nil, ('%s is not used: it is no file'):format(shown(path))
  elseif stat.size > most_bytes then
    return nil, ('%s is not used: it is longer than %d KiB'):format(shown(path), most_bytes / 1024)
  end
  local stamp = ('%d.%09d %d'):format(stat.mtime.sec, stat.mtime.nsec, stat.size)
  local text, message = trusted(path, stamp)
  if not text then
    return nil, message
  end
  return decode(path, text)
end

---The same for a session that is about to start: what is wrong is told to the user, once.
---@param dir string
---@return agor.ProjectConfig|nil
function M.of(dir)
  local value, message = M.read(dir)
  if message then
    require('agor.message').once('project: ' .. message, message, 'warn')
  end
  return value
end

return M
