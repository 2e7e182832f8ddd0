--- Drafts and the history of prompts on disk: `stdpath("data")/agor/prompts/`, for the user's eyes only (0600).
---
--- A draft is one JSON file a session, written whole and renamed into place; the history one JSON object a line,
--- shared by all sessions of a directory and only appended to. Other Neovims read and write both: what one of them has put
--- there is never lost. Knows no buffers.

local M = {}

local KEEP = 500

local reported = false

---@return string
local function folder()
  return vim.fs.joinpath(vim.fn.stdpath('data') --[[@as string]], 'agor', 'prompts')
end

---@param err any
local function complain(err)
  if not reported then
    reported = true
    local text = 'Drafts and history of prompts cannot be kept in %s: %s'
    require('agor.message').warn(text:format(folder(), tostring(err)))
  end
end

---@param path string
---@param flags 'w'|'a'
---@param text string
local function write(path, flags, text)
  local regular = require('agor.regular')
  local made, why = regular.folder(folder())
  if not made then
    error(why, 0)
  end
  local fd, refused = regular.open(path, flags)
  if not fd then
    error(refused, 0)
  end
  local written, err = vim.uv.fs_write(fd, text)
  vim.uv.fs_close(fd)
  assert(written, err)
  -- A disk that becomes full takes a part.
  assert(written == #text, 'not all of it could be written')
end

---@param path string
---@param text string
local function replace(path, text)
  -- Two Neovims must not write into the same file on its way.
  local begun = ('%s.new-%d'):format(path, vim.uv.os_getpid())
  local ok, err = pcall(write, begun, 'w', text)
  if ok then
    ok, err = vim.uv.fs_rename(begun, path)
  end
  if not ok then
    vim.uv.fs_unlink(begun)
    error(err, 0)
  end
end

---@param path string
---@return string?
local function read(path)
  local fd = require('agor.regular').open(path, 'r')
  if not fd then
    return nil
  end
  local stat = vim.uv.fs_fstat(fd)
  local text = stat and vim.uv.fs_read(fd, stat.size, 0)
  vim.uv.fs_close(fd)
  return text or nil
end

---@param session_id string
local function draft_path(session_id)
  return vim.fs.joinpath(folder(), session_id .. '.json')
end

---@class agor.Draft
---@field lines string[]
---@field attachments table<string, agor.Context>
---@field editing agor.Editing?

---@param text string?
---@return agor.Draft?
local function parse(text)
  local ok, draft = pcall(vim.json.decode, text or '', { luanil = { object = true } })
  if not ok or type(draft) ~= 'table' or type(draft.lines) ~= 'table' then
    return nil
  end
  for _, line in ipairs(draft.lines) do
    if type(line) ~= 'string' or line:find('\n') then
      return nil
    end
  end
  if type(draft.attachments) ~= 'table' then
    draft.attachments = {}
  end
  draft.editing = require('agor.ui.prompt_edit').checked(draft.editing)
  return draft
end

--- The file of each session as this Neovim knows it.
---@type table<string, string>
local seen = {}

---@param session_id string
---@return agor.Draft?
function M.load(session_id)
  local text = read(draft_path(session_id))
  seen[session_id] = text
  return parse(text)
end

--- A draft that another Neovim has written meanwhile, of a session that both have shown, goes into the history before
--- ours takes its place.
---@param session_id string
local function spare(session_id)
  local text = read(draft_path(session_id))
  local other = text ~= seen[session_id] and parse(text)
  if other then
    M.remember(vim.trim(table.concat(other.lines, '\n')))
  end
end

--- Keeps a draft; an empty one leaves no file.
---@param session_id string
---@param draft agor.Draft
function M.save(session_id, draft)
  local path = draft_path(session_id)
  spare(session_id)
  local empty = #draft.lines == 0 or (#draft.lines == 1 and draft.lines[1] == '')
  if empty and not draft.editing then
    vim.uv.fs_unlink(path)
    seen[session_id] = nil
    return
  end
  local ok, err = pcall(function()
    -- An empty table would be written as a list.
    local attachments = next(draft.attachments) and draft.attachments or vim.empty_dict()
    local text = vim.json.encode({
      lines = draft.lines,
      attachments = attachments,
      editing = draft.editing,
    })
    replace(path, text)
    seen[session_id] = text
  end)
  if not ok then
    complain(err)
  end
end

--- All drafts that are kept, as they are on disk.
---@return string
function M.text()
  local out = {}
  for name, kind in vim.fs.dir(folder()) do
    if kind == 'file' and name:match('%.json$') then
      out[#out + 1] = read(vim.fs.joinpath(folder(), name))
    end
  end
  return table.concat(out, '\n')
end

-- ------------------------------------------------------------------ history

---@class agor.Sent
---@field text string
---@field cwd string? where its session was; older lines of the history do not say

---@type agor.Sent[]?
local history

--- What the files were like when they were read: other Neovims add to them too.
---@type string?
local stamp

local function history_path()
  return vim.fs.joinpath(folder(), 'history.ndjson')
end

--- What the history was until it became too long.
local function older_path()
  return vim.fs.joinpath(folder(), 'history-older.ndjson')
end

---@return string
local function stamp_now()
  local out = {}
  for _, path in ipairs({ older_path(), history_path() }) do
    local stat = vim.uv.fs_stat(path)
    out[#out + 1] = stat and ('%d %d'):format(stat.ino, stat.size) or '-'
  end
  return table.concat(out, ' ')
end

--- A history that is too long is put aside by one rename: a line that another Neovim is adding just now is in one of the
--- two files.
---@param ino integer? of the file that was found too long: another Neovim may have put it aside already
local function put_aside(ino)
  local stat = vim.uv.fs_stat(history_path())
  if stat and stat.ino == ino then
    vim.uv.fs_rename(history_path(), older_path())
  end
end

---@param line string
---@return agor.Sent?
local function sent(line)
  local ok, value = pcall(vim.json.decode, line, { luanil = { object = true } })
  if ok and type(value) == 'string' then
    return { text = value }
  elseif ok and type(value) == 'table' and type(value.text) == 'string' then
    return { text = value.text, cwd = type(value.cwd) == 'string' and value.cwd or nil }
  end
end

---@return agor.Sent[]
local function all()
  if history and stamp == stamp_now() then
    return history
  end
  history = {}
  for _, path in ipairs({ older_path(), history_path() }) do
    local stat, count = vim.uv.fs_stat(path), 0
    for line in (read(path) or ''):gmatch('[^\n]+') do
      count = count + 1
      history[#history + 1] = sent(line)
    end
    if path == history_path() and count > KEEP then
      put_aside(stat and stat.ino)
    end
  end
  stamp = stamp_now()
  return history
end

--- Prompts sent before, the oldest first: those of one directory, or all.
---@param cwd string?
---@return string[]
function M.history(cwd)
  local out = {}
  for _, one in ipairs(all()) do
    if not cwd or not one.cwd or one.cwd == cwd then
      out[#out + 1] = one.text
    end
  end
  return out
end

---@param text string
---@param cwd string?
function M.remember(text, cwd)
  local known = all()
  local last = known[#known]
  if text == '' or last and last.text == text and last.cwd == cwd then
    return
  end
  known[#known + 1] = { text = text, cwd = cwd }
  local line = vim.json.encode({ text = text, cwd = cwd }) .. '\n'
  local ok, err = pcall(write, history_path(), 'a', line)
  if not ok then
    complain(err)
  end
  stamp = stamp_now()
end

return M
