--- Transcripts whose beginning is not painted: when somebody goes there or searches, the backend paints it.
---
--- A long transcript is painted from its end, so far as a reader is likely to go. Scrolling to its top brings more, going
--- there and searching brings all. Maps no keys: what they do is what Neovim does, only on more text.

local api = vim.api

local M = {}

-- What outlives a reload of our modules.
local kept = require('agor.state')
kept.ui = kept.ui or {}

--- How many entries stand above what is painted of a buffer, where there are any.
---@type table<integer, integer>
local earlier = kept.ui.earlier or {}
kept.ui.earlier = earlier

--- Buffers that are being painted as far back as they go.
---@type table<integer, boolean>
local asked = kept.ui.asked or {}
kept.ui.asked = asked

local ns = api.nvim_create_namespace('agor_reach')
-- Of searches that open no command line.
local SEARCHES = { n = true, N = true, ['*'] = true, ['#'] = true }
local watching = false

---@param buf integer
---@return boolean
local function wanting(buf)
  return earlier[buf] ~= nil and not asked[buf]
end

---@param buf integer
local function reach(buf)
  if wanting(buf) then
    asked[buf] = true
    require('agor.rpc').notify('reach', { buf = buf, session_id = vim.b[buf].agor_session })
  end
end

local function watch()
  local wanted = false
  for buf in pairs(earlier) do
    wanted = wanted or wanting(buf)
  end
  if wanted ~= watching then
    watching = wanted
    vim.on_key(wanted and function(key)
      if SEARCHES[key] and api.nvim_get_mode().mode:find('^[nvV\22]') then
        reach(api.nvim_get_current_buf())
      end
    end or nil, ns)
  end
end

--- A patch says how much there is above what it has painted.
---@param buf integer
---@param count? integer
---@param anew boolean the whole text was replaced
function M.told(buf, count, anew)
  local before = wanting(buf)
  earlier[buf] = count and count > 0 and count or nil
  asked[buf] = asked[buf] and not anew and earlier[buf] ~= nil or nil
  if before ~= wanting(buf) then
    watch()
  end
end

--- The buffer is no transcript any more.
---@param buf integer
function M.forget(buf)
  M.told(buf, 0, true)
end

--- A window has scrolled: where it shows the head line, the reader wants more of what is above.
---@param win integer
---@param buf integer
function M.scrolled(win, buf)
  if wanting(buf) and vim.fn.line('w0', win) == 1 then
    local id = vim.b[buf].agor_session
    require('agor.rpc').notify('fold', { buf = buf, session_id = id, row = 0, action = 'open' })
  end
end

--- Once for each transcript.
---@param buf integer
---@param group integer of autocommands
function M.watch(buf, group)
  api.nvim_create_autocmd('CursorMoved', {
    group = group,
    buffer = buf,
    callback = function()
      if wanting(buf) and api.nvim_win_get_cursor(0)[1] == 1 then
        reach(buf)
      end
    end,
  })
  api.nvim_create_autocmd('CmdlineEnter', {
    group = group,
    pattern = { '/', '\\?' },
    callback = function()
      reach(api.nvim_get_current_buf())
    end,
  })
  api.nvim_create_autocmd('CmdlineChanged', {
    group = group,
    pattern = ':',
    callback = function()
      -- A command may be about all of it too, as `:g`, `:w file`, `:%y` and `:42` are; most are not.
      if api.nvim_get_current_buf() == buf and vim.fn.getcmdline():find('^[%s:]*[%%%d/?gvw]') then
        reach(buf)
      end
    end,
  })
end

return M
