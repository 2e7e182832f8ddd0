--- The pane: a transcript's window with the prompt's under it, one pane in each tabpage.
---
--- Which windows are a pane's is written on the windows themselves (`w:agor_pane`), so that nothing is out of step after
--- `:only`, `:q` or a reload of this module. Knows positions and sizes; what the buffers hold is their own business.

local api = vim.api

local M = {}

---@class agor.Pane
---@field transcript integer? window
---@field prompt integer? window
---@field position string

--- Sizes to give back, by transcript window.
---@type table<integer, agor.Sizes>
local given_back = {}

local PROMPT_HEIGHT = 3

---@param win integer
---@return string?
local function role(win)
  return vim.w[win].agor_pane
end

---@param tab integer?
---@return agor.Pane?
local function find(tab)
  local pane = {}
  for _, win in ipairs(api.nvim_tabpage_list_wins(tab or 0)) do
    local what = role(win)
    if what then
      pane[what] = win
      pane.position = vim.w[win].agor_position
    end
  end
  return (pane.transcript or pane.prompt) and pane or nil
end

local FIXED = { winfixbuf = true, winfixwidth = true, winfixheight = true }

---@param win integer
---@param what 'transcript'|'prompt'
---@param position string
local function claim(win, what, position)
  vim.w[win].agor_pane = what
  vim.w[win].agor_position = position
  for name, value in pairs(FIXED) do
    if name ~= 'winfixwidth' or position == 'left' or position == 'right' then
      api.nvim_set_option_value(name, value, { scope = 'local', win = win })
    end
  end
  require('agor.ui.dress').window(win)
end

---@param win integer
---@param buf integer
local function put(win, buf)
  if api.nvim_win_get_buf(win) == buf then
    return
  end
  vim.wo[win].winfixbuf = false
  api.nvim_win_set_buf(win, buf)
  vim.wo[win].winfixbuf = true
  require('agor.ui.dress').window(win)
end

-- ------------------------------------------------------------------ floats

--- Puts floats in their places again: after a resize, or when the prompt grows.
---@param pane agor.Pane
---@param prompt_height integer
local function place_floats(pane, prompt_height)
  local top, bottom = require('agor.ui.geometry').floats(prompt_height)
  if pane.transcript then
    api.nvim_win_set_config(pane.transcript, top)
  end
  if pane.prompt then
    api.nvim_win_set_config(pane.prompt, bottom)
  end
end

-- ------------------------------------------------------------------ opening

---@param pane agor.Pane
---@return table<integer, boolean>
local function windows(pane)
  local set = {}
  if pane.transcript then
    set[pane.transcript] = true
  end
  if pane.prompt then
    set[pane.prompt] = true
  end
  return set
end

local function open_prompt_below(transcript, buf, position)
  local win = api.nvim_open_win(buf, false, {
    split = 'below',
    win = transcript,
    height = PROMPT_HEIGHT,
  })
  claim(win, 'prompt', position)
  return win
end

---@param text_buf integer
---@param prompt_buf integer
---@return agor.Pane
local function create(text_buf, prompt_buf)
  local position, width, height = require('agor.ui.geometry').sizes()
  if position == 'float' then
    local top, bottom = require('agor.ui.geometry').floats(PROMPT_HEIGHT)
    local transcript = api.nvim_open_win(text_buf, false, top)
    claim(transcript, 'transcript', position)
    local prompt = api.nvim_open_win(prompt_buf, false, bottom)
    claim(prompt, 'prompt', position)
    return { transcript = transcript, prompt = prompt, position = position }
  elseif position == 'tab' then
    local from = api.nvim_get_current_tabpage()
    vim.cmd('tab split')
    local transcript = api.nvim_get_current_win()
    vim.wo[transcript].winfixbuf = false
    api.nvim_win_set_buf(transcript, text_buf)
    claim(transcript, 'transcript', position)
    local prompt = open_prompt_below(transcript, prompt_buf, position)
    api.nvim_set_current_tabpage(from)
    return { transcript = transcript, prompt = prompt, position = position }
  end
  local before = require('agor.ui.layout').snapshot({})
  local split = { right = 'right', left = 'left', bottom = 'below', top = 'above' }
  local side = position == 'right' or position == 'left'
  local transcript = api.nvim_open_win(text_buf, false, {
    split = split[position] or 'right',
    win = -1,
    width = side and width or nil,
    height = not side and height or nil,
  })
  claim(transcript, 'transcript', position)
  local prompt = open_prompt_below(transcript, prompt_buf, position)
  local inner = math.max(1, height - PROMPT_HEIGHT - 1)
  given_back[transcript] = require('agor.ui.layout').rescale(before, {
    { win = transcript, width = side and width or nil, height = not side and inner or nil },
    { win = prompt, height = PROMPT_HEIGHT },
  })
  return { transcript = transcript, prompt = prompt, position = position }
end

--- When somebody first enters a window, Neovim works out by how many rows it has scrolled since its user interface was told
--- of it. Of one that was never current it measures every line: 0.3 s after 100,000. Told once while there is little in it,
--- it estimates.
---@param win integer
local function announce(win)
  if api.nvim_win_get_tabpage(win) == api.nvim_get_current_tabpage() then
    api.nvim_win_call(win, vim.cmd.redraw)
  end
end

--- The pane in this tabpage or, if panes have tabpages of their own, wherever that is.
---@return agor.Pane?
local function existing()
  local pane = find()
  if pane or require('agor.config').get().window.position ~= 'tab' then
    return pane
  end
  for _, tab in ipairs(api.nvim_list_tabpages()) do
    local other = find(tab)
    if other and other.position == 'tab' then
      return other
    end
  end
end

--- Shows a session in the tabpage's pane, which is opened if need be. The cursor stays where it is, unless
--- `focus = 'prompt'`: then it is in the prompt, in insert mode.
---@param session_id string
---@param opts { focus: 'prompt'|nil }?
---@return boolean ok
---@return string? message
function M.open(session_id, opts)
  if vim.fn.getcmdwintype() ~= '' then
    return false, 'Close the command-line window first: no other window can open beside it'
  end
  M.setup()
  local text_buf = require('agor.ui.transcript').buffer(session_id)
  local prompt_buf = require('agor.ui.prompt').buffer(session_id)
  local is_new = false
  local ok, result = pcall(function()
    local pane = existing()
    if not pane then
      is_new = true
      return create(text_buf, prompt_buf)
    end
    if not pane.transcript then
      is_new = true
      -- Only the prompt is left, after `:only` in it.
      local win = api.nvim_open_win(text_buf, false, { split = 'above', win = pane.prompt })
      claim(win, 'transcript', pane.position)
      pane.transcript = win
    end
    put(pane.transcript, text_buf)
    if pane.prompt then
      put(pane.prompt, prompt_buf)
    elseif pane.position == 'float' then
      local _, bottom = require('agor.ui.geometry').floats(PROMPT_HEIGHT)
      pane.prompt = api.nvim_open_win(prompt_buf, false, bottom)
      claim(pane.prompt, 'prompt', pane.position)
    else
      pane.prompt = open_prompt_below(pane.transcript, prompt_buf, pane.position)
    end
    return pane
  end)
  if not ok then
    return false, 'The pane cannot be opened here: ' .. tostring(result)
  end
  require('agor.mirror').touch(session_id)
  local transcript, prompt = result.transcript, result.prompt
  if transcript then
    require('agor.ui.bar').draw(transcript)
  end
  require('agor.ui.prompt').fit(prompt_buf)
  require('agor.ui.views').changed()
  if transcript and is_new then
    announce(transcript)
  end
  if prompt and opts and opts.focus == 'prompt' then
    api.nvim_set_current_win(prompt)
    vim.cmd('startinsert!')
  end
  return true
end

---@param session_id string
---@return boolean ok
---@return string? message
function M.show(session_id)
  return M.open(session_id)
end

-- ------------------------------------------------------------------ closing

---@param pane agor.Pane
---@return boolean only true if the tabpage has no window but the pane's
local function alone(pane)
  local ours = windows(pane)
  for _, win in ipairs(api.nvim_tabpage_list_wins(0)) do
    if not ours[win] and api.nvim_win_get_config(win).relative == '' then
      return false
    end
  end
  return true
end

local function give_room_back(sizes, before)
  local layout = require('agor.ui.layout')
  local exact = layout.untouched(sizes, before)
  layout.rescale(exact and sizes and sizes.before or before, {})
end

--- Closes windows of ours without touching the proportions of the others. Where they are the last ones, an empty buffer
--- takes their place.
---@param pane agor.Pane
local function close_windows(pane)
  local floats = pane.position == 'float'
  local last = not floats and alone(pane)
  if last and #api.nvim_list_tabpages() == 1 then
    local empty = api.nvim_create_buf(true, false)
    local beside = pane.transcript or pane.prompt
    local win = api.nvim_open_win(empty, true, { split = 'above', win = beside })
    -- A split takes over some of its neighbour's options.
    vim.wo[win].winfixwidth, vim.wo[win].winfixheight = false, false
  end
  local sizes = pane.transcript and given_back[pane.transcript]
  local before = not floats and require('agor.ui.layout').snapshot(windows(pane)) or nil
  for _, win in pairs({ pane.prompt, pane.transcript }) do
    if api.nvim_win_is_valid(win) then
      vim.w[win].agor_pane = nil
      local ok, err = pcall(api.nvim_win_close, win, true)
      if not ok then
        require('agor.message').error('The pane cannot be closed: ' .. tostring(err))
        return
      end
    end
  end
  if pane.transcript then
    given_back[pane.transcript] = nil
  end
  if not floats then
    give_room_back(sizes, before)
  end
end

--- Closes this tabpage's pane; agents go on running.
function M.close()
  local pane = find()
  if pane then
    close_windows(pane)
  end
end

--- `q` in a transcript: closes the pane, or the window if it is none of the pane's.
function M.hide()
  local win = api.nvim_get_current_win()
  if role(win) then
    M.close()
    return
  end
  local only = #vim.tbl_filter(function(other)
    return api.nvim_win_get_config(other).relative == ''
  end, api.nvim_tabpage_list_wins(0)) == 1
  if only and #api.nvim_list_tabpages() == 1 then
    api.nvim_win_set_buf(win, api.nvim_create_buf(true, false))
  else
    api.nvim_win_close(win, true)
  end
end

---@return boolean
function M.is_open()
  return find() ~= nil
end

--- Opens or closes this tabpage's pane, with the session that it showed last.
function M.toggle()
  if find() then
    M.close()
    return
  end
  local current = require('agor.mirror').current()
  if not current then
    require('agor.message').info('No session yet: :AgorStart starts one')
    return
  end
  local ok, err = M.open(current.session_id)
  if not ok then
    require('agor.message').error(err or 'The pane cannot be opened')
    return
  end
  local pane = existing()
  -- A pane in a tabpage of its own is of no use unseen.
  if pane and pane.position == 'tab' and pane.transcript then
    api.nvim_set_current_win(pane.transcript)
  end
end

-- ------------------------------------------------------------------ for others

--- This tabpage's pane.
---@return agor.Pane?
function M.current()
  return find()
end

--- Gives the prompt's window a height, at the transcript's cost only.
---@param win integer
---@param height integer
function M.set_prompt_height(win, height)
  local now = api.nvim_win_get_height(win)
  if now == height then
    return
  end
  if vim.w[win].agor_position == 'float' then
    local pane = find(api.nvim_win_get_tabpage(win))
    if pane then
      place_floats(pane, height)
    end
    return
  end
  local pane = find(api.nvim_win_get_tabpage(win))
  if not pane or pane.prompt ~= win or not pane.transcript then
    return
  end
  -- The rule between the two moves as if dragged by the mouse: no other window takes part.
  local room = api.nvim_win_get_height(pane.transcript) - 3
  local delta = math.min(height - now, room)
  if delta ~= 0 then
    vim.fn.win_move_statusline(pane.transcript, -delta)
  end
end

--- After `:mksession`: a prompt under its transcript is a pane again.
function M.adopt_windows()
  M.setup()
  for _, tab in ipairs(api.nvim_list_tabpages()) do
    if not find(tab) then
      ---@type table<string, integer>, table<string, integer>
      local texts, prompts = {}, {}
      for _, win in ipairs(api.nvim_tabpage_list_wins(tab)) do
        local name = api.nvim_buf_get_name(api.nvim_win_get_buf(win))
        local id, tail = name:match('^agor://([%w._-]+)(.*)$')
        if id then
          (tail == '/prompt' and prompts or texts)[id] = win
        end
      end
      for id, win in pairs(prompts) do
        if texts[id] then
          local wide = api.nvim_win_get_width(win) >= vim.o.columns
          local position = wide and 'bottom' or 'right'
          claim(texts[id], 'transcript', position)
          claim(win, 'prompt', position)
          break
        end
      end
    end
  end
end

---@param win integer
local function on_closed(win)
  if not api.nvim_win_is_valid(win) then
    return
  end
  local what = role(win)
  if not what then
    return
  end
  local tab = api.nvim_win_get_tabpage(win)
  local pane = find(tab)
  if not pane or tab ~= api.nvim_get_current_tabpage() then
    return
  end
  local inside = api.nvim_get_current_win()
  local sizes = given_back[win]
  local before = pane.position ~= 'float' and require('agor.ui.layout').snapshot(windows(pane))
    or nil
  vim.schedule(function()
    if not api.nvim_tabpage_is_valid(tab) or tab ~= api.nvim_get_current_tabpage() then
      return
    end
    if what == 'transcript' then
      given_back[win] = nil
      local prompt = pane.prompt
      -- A prompt without its transcript goes too, but not if the user has just made it the only window.
      local kept = prompt and prompt == inside and #api.nvim_tabpage_list_wins(tab) == 1
      if prompt and api.nvim_win_is_valid(prompt) and not kept then
        close_windows({ prompt = prompt, position = pane.position })
      end
    end
    if before and not find(tab) then
      give_room_back(sizes, before)
    end
  end)
end

local ready = false

--- Autocommands; once, when the first pane opens.
function M.setup()
  if ready then
    return
  end
  ready = true
  require('agor.highlight').setup()
  require('agor.ui.views').setup()
  require('agor.ui.neighbour').setup()
  local group = api.nvim_create_augroup('agor_pane', { clear = true })
  local function on(event, callback)
    api.nvim_create_autocmd(event, { group = group, callback = callback })
  end
  on('WinClosed', function(event)
    on_closed(tonumber(event.match) --[[@as integer]])
  end)
  on('VimResized', function()
    local pane = find()
    if pane and pane.position == 'float' then
      local height = pane.prompt and api.nvim_win_get_height(pane.prompt) or PROMPT_HEIGHT
      place_floats(pane, height)
    end
  end)
  api.nvim_create_autocmd('OptionSet', {
    group = group,
    pattern = 'laststatus',
    callback = function()
      for _, tab in ipairs(api.nvim_list_tabpages()) do
        local pane = find(tab)
        for win in pairs(pane and windows(pane) or {}) do
          require('agor.ui.dress').window(win)
        end
      end
    end,
  })
  on('WinResized', function()
    local pane = find()
    if pane and pane.prompt then
      require('agor.ui.prompt').fit(api.nvim_win_get_buf(pane.prompt))
    end
  end)
end

return M
