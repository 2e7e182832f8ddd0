--- Drafts and the history of prompts on disk: `stdpath("data")/agor/prompts/`, for the user's eyes only (0600).
---
--- A draft is one JSON file a session, written whole and renamed into place; the history one JSON string a line, shared
--- by all sessions and only appended to. Knows no buffers.

local M = {}

local KEEP = 500

-- Modes 0700 and 0600.
local PRIVATE_FOLDER, PRIVATE_FILE = 448, 384
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
---@param flags string
---@param text string
local function write(path, flags, text)
  if
    vim.fn.mkdir(folder(), 'p', PRIVATE_FOLDER --[[@as any]]) == 0
  then
    error('the folder cannot be made')
  end
  local fd = assert(vim.uv.fs_open(path, flags, PRIVATE_FILE))
  local ok, err = vim.uv.fs_write(fd, text)
  vim.uv.fs_close(fd)
  assert(ok, err)
end

---@param path string
---@return string?
local function read(path)
  local fd = vim.uv.fs_open(path, 'r', PRIVATE_FILE)
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

---@param session_id string
---@return agor.Draft?
function M.load(session_id)
  local text = read(draft_path(session_id))
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
  return draft
end

--- Keeps a draft; an empty one leaves no file.
---@param session_id string
---@param draft agor.Draft
function M.save(session_id, draft)
  local path = draft_path(session_id)
  local empty = #draft.lines == 0 or (#draft.lines == 1 and draft.lines[1] == '')
  if empty then
    vim.uv.fs_unlink(path)
    return
  end
  local ok, err = pcall(function()
    -- An empty table would be written as a list.
    local attachments = next(draft.attachments) and draft.attachments or vim.empty_dict()
    local text = vim.json.encode({ lines = draft.lines, attachments = attachments })
    write(path .. '.new', 'w', text)
    assert(vim.uv.fs_rename(path .. '.new', path))
  end)
  if not ok then
    complain(err)
  end
end

---@type string[]?
local history

local function history_path()
  return vim.fs.joinpath(folder(), 'history.ndjson')
end

--- Prompts sent before, the oldest first.
---@return string[]
function M.history()
  if history then
    return history
  end
  history = {}
  local count = 0
  for line in (read(history_path()) or ''):gmatch('[^\n]+') do
    count = count + 1
    local ok, text = pcall(vim.json.decode, line)
    if ok and type(text) == 'string' then
      history[#history + 1] = text
    end
  end
  if count > 2 * KEEP then
    history = vim.list_slice(history, #history - KEEP + 1)
    local lines = vim.tbl_map(vim.json.encode, history)
    local ok, err = pcall(function()
      write(history_path() .. '.new', 'w', table.concat(lines, '\n') .. '\n')
      assert(vim.uv.fs_rename(history_path() .. '.new', history_path()))
    end)
    if not ok then
      complain(err)
    end
  end
  return history
end

---@param text string
function M.remember(text)
  local known = M.history()
  if text == '' or known[#known] == text then
    return
  end
  known[#known + 1] = text
  local ok, err = pcall(write, history_path(), 'a', vim.json.encode(text) .. '\n')
  if not ok then
    complain(err)
  end
end

return M
