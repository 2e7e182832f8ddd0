--- Tells the backend which transcripts are on the screen: what nobody sees it does not paint.
---
--- The whole list each time, at most once in a turn of the event loop, and only if it changed.

local api = vim.api

local M = {}

---@class agor.View
---@field buf integer
---@field session_id string
---@field width integer of the text, in the narrowest window that shows it
---@field focused boolean
---@field windows [integer, integer, boolean][] first row from 0, height, whether it follows the end

-- What outlives a reload of our modules: `views`, what the backend was told last.
local kept = require('agor.state')
---@type { views: agor.View[]? }
kept.ui = kept.ui or {}

local scheduled = false
--- Windows that followed the end when the list was made last, and their buffers.
---@type table<integer, integer>
local following = {}
--- Buffers that Neovim has emptied although the backend believes them painted.
---@type table<integer, boolean>
local emptied = {}

--- Every transcript that a window of this tabpage shows.
---@return agor.View[]
function M.list()
  local transcript = require('agor.ui.transcript')
  local follow = require('agor.ui.follow')
  local current = api.nvim_get_current_win()
  local views, by_buf = {}, {}
  following = {}
  for _, win in ipairs(api.nvim_tabpage_list_wins(0)) do
    local buf = api.nvim_win_get_buf(win)
    if transcript.revision(buf) then
      local info = vim.fn.getwininfo(win)[1]
      local width = math.max(1, info.width - info.textoff)
      local view = by_buf[buf]
      if not view then
        local id = vim.b[buf].agor_session
        view = { buf = buf, session_id = id, width = width, focused = false, windows = {} }
        by_buf[buf] = view
        views[#views + 1] = view
      end
      view.width = math.min(view.width, width)
      view.focused = view.focused or win == current
      -- One that follows is at the end, wherever that is: it has not changed when text has come.
      local follows = follow.follows(win, buf)
      local top = follows and 0 or info.topline - 1
      following[win] = follows and buf or nil
      view.windows[#view.windows + 1] = { top, info.height, follows }
    end
  end
  table.sort(views, function(a, b)
    return a.buf < b.buf
  end)
  return views
end

---@param views agor.View[]
local function tell(views)
  kept.ui.views = views
  local config = require('agor.config').get()
  local transcript = require('agor.ui.transcript')
  -- What the buffer holds changes with each patch; it counts only for a view that is shown anew.
  local held = vim.tbl_map(function(view)
    return vim.tbl_extend('force', view, { rev = transcript.revision(view.buf) or 0 })
  end, views)
  local params = { views = held, icons = config.icons, spinner = config.spinner }
  require('agor.rpc').notify('views', params)
end

--- Sends the list now, also if it is the same: for a backend that has just been started.
function M.send()
  tell(M.list())
end

local function flush()
  scheduled = false
  local views = M.list()
  local sent = kept.ui.views
  if #views == 0 and (not sent or #sent == 0) then
    return
  end
  if next(emptied) and sent then
    -- As if it had been hidden: what is shown anew is painted whole.
    local rest = vim.tbl_filter(function(view)
      return not emptied[view.buf]
    end, views)
    if #rest < #views then
      tell(rest)
    end
  end
  emptied = {}
  if not vim.deep_equal(kept.ui.views, views) then
    tell(views)
  end
end

--- The text of a transcript is gone: `:edit` on it, or an unload.
---@param buf integer
function M.emptied(buf)
  emptied[buf] = true
  M.changed()
end

--- Something about windows or transcripts changed.
function M.changed()
  if not scheduled then
    scheduled = true
    vim.schedule(flush)
  end
end

---@param win integer
---@param buf integer
---@return boolean
local function goes_on_following(win, buf)
  return following[win] == buf and require('agor.ui.follow').follows(win, buf)
end

---@param win integer
local function scrolled(win)
  local buf = api.nvim_win_is_valid(win) and api.nvim_win_get_buf(win)
  if not buf or not require('agor.ui.transcript').revision(buf) then
    return
  end
  require('agor.ui.reach').scrolled(win, buf)
  if not goes_on_following(win, buf) then
    M.changed()
  end
end

--- Once, when the first window of ours opens.
function M.setup()
  api.nvim_create_autocmd('WinScrolled', {
    group = api.nvim_create_augroup('agor_scrolled', { clear = true }),
    callback = function()
      for win in pairs(vim.v.event) do
        local number = tonumber(win)
        if number then
          scrolled(math.floor(number))
        end
      end
    end,
  })
  api.nvim_create_autocmd(
    { 'WinEnter', 'WinClosed', 'WinResized', 'VimResized', 'TabEnter', 'SessionLoadPost' },
    {
      group = api.nvim_create_augroup('agor_views', { clear = true }),
      callback = function(event)
        if event.event == 'WinResized' or event.event == 'VimResized' then
          require('agor.ui.bar').resized()
        end
        if event.event == 'WinResized' then
          require('agor.ui.follow').resized(vim.v.event.windows or {})
          require('agor.ui.prompt').refresh()
        end
        M.changed()
      end,
    }
  )
end

return M
