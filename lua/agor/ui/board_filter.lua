--- The line at the foot of the board in which one types what it is narrowed to. Knows a word; the board knows sessions.

local api = vim.api

local M = {}

---@type integer?
local win

---@return integer?
function M.window()
  return win and api.nvim_win_is_valid(win) and win or nil
end

---@param over integer
---@return vim.api.keyset.win_config on the lower border of a float, in the last line of a panel
local function place(over)
  local is_float = api.nvim_win_get_config(over).relative ~= ''
  return {
    relative = 'win',
    win = over,
    row = api.nvim_win_get_height(over) - (is_float and 0 or 1),
    col = 0,
    width = api.nvim_win_get_width(over),
    height = 1,
  }
end

--- The board has another size now.
---@param over integer
function M.follow(over)
  local own = M.window()
  if own then
    api.nvim_win_set_config(own, place(over))
  end
end

--- Asks for words below a window; they are told as they are typed.
---@param over integer the board's window
---@param text string what it is narrowed to now
---@param typed fun(text: string)
function M.ask(over, text, typed)
  local buf = api.nvim_create_buf(false, true)
  vim.bo[buf].bufhidden = 'wipe'
  api.nvim_buf_set_lines(buf, 0, -1, false, { text })
  local config = vim.tbl_extend('error', place(over), {
    style = 'minimal',
    border = 'none',
    zindex = 59,
  })
  win = api.nvim_open_win(buf, true, config)
  vim.wo[win][0].winhighlight = 'NormalFloat:AgorSelected'
  api.nvim_buf_set_extmark(buf, api.nvim_create_namespace('agor_board_filter'), 0, 0, {
    virt_text = { { '/', 'AgorKey' } },
    virt_text_pos = 'inline',
    right_gravity = false,
  })
  local done = false
  local function leave(kept)
    if done then
      return
    end
    done = true
    if vim.fn.mode() == 'i' then
      vim.cmd.stopinsert()
    end
    typed(kept)
    local here = M.window()
    win = nil
    if here then
      api.nvim_win_close(here, true)
    end
    if api.nvim_win_is_valid(over) then
      api.nvim_set_current_win(over)
    end
  end
  local function now()
    return api.nvim_buf_get_lines(buf, 0, 1, false)[1] or ''
  end
  local function map(modes, lhs, run)
    vim.keymap.set(modes, lhs, run, { buffer = buf, nowait = true })
  end
  map({ 'i', 'n' }, '<CR>', function()
    leave(now())
  end)
  map({ 'i', 'n' }, '<Esc>', function()
    leave(text)
  end)
  map({ 'i', 'n' }, '<C-c>', function()
    leave(text)
  end)
  api.nvim_create_autocmd({ 'TextChangedI', 'TextChanged' }, {
    buffer = buf,
    callback = function()
      -- What was pasted may have lines.
      if api.nvim_buf_line_count(buf) > 1 then
        local all = table.concat(api.nvim_buf_get_lines(buf, 0, -1, false), ' ')
        api.nvim_buf_set_lines(buf, 0, -1, false, { all })
      end
      if not done then
        typed(now())
      end
    end,
  })
  api.nvim_create_autocmd('WinLeave', {
    buffer = buf,
    once = true,
    callback = function()
      vim.schedule(function()
        leave(done and '' or now())
      end)
    end,
  })
  vim.cmd('startinsert!')
end

return M
