--- A float with a list that takes the focus, for as long as the cursor is in it or in a float above it.
---
--- Knows its window and when it has to go; what stands in it, how large it is and its keys are its owner's.

local api = vim.api

local M = {}

---@class agor.Float
---@field filetype string
---@field keys agor.Key[]
---@field config vim.api.keyset.win_config of its window
---@field resized fun() the screen has another size; not called once it is closed
---@field left fun() the cursor is in another window: it is to be closed
---@field closed fun() its buffer is gone
---@field is_open fun(): boolean it is still the one that is shown

---@return integer buf an empty one, which goes with its window
function M.buffer()
  local buf = api.nvim_create_buf(false, true)
  vim.bo[buf].bufhidden = 'wipe'
  vim.bo[buf].undolevels = -1
  return buf
end

---@param buf integer of `buffer()`
---@param float agor.Float
---@return integer win
function M.open(buf, float)
  -- Who types is in a prompt, and this is to be read.
  vim.cmd.stopinsert()
  local config = vim.tbl_extend('force', float.config, { style = 'minimal' })
  local win = api.nvim_open_win(buf, true, config)
  require('agor.filetype').set(buf, float.filetype)
  local wo = vim.wo[win][0]
  wo.winhighlight = require('agor.ui.options').FLOAT
  wo.cursorline, wo.wrap, wo.winfixbuf = true, false, true
  require('agor.ui.keys').attach(buf, float.keys)
  local group = api.nvim_create_augroup(float.filetype:gsub('%-', '_'), { clear = true })
  api.nvim_create_autocmd('VimResized', {
    group = group,
    callback = function()
      if float.is_open() then
        float.resized()
      end
    end,
  })
  api.nvim_create_autocmd('BufWipeout', {
    group = group,
    buffer = buf,
    callback = function()
      require('agor.ui.keys').forget(buf)
      if float.is_open() then
        float.closed()
      end
    end,
  })
  -- Left for another window it would only be in the way; its help and what it shows more of lie above it.
  api.nvim_create_autocmd('WinEnter', {
    group = group,
    callback = function()
      vim.schedule(function()
        local now = api.nvim_get_current_win()
        local above = api.nvim_win_get_config(now).relative ~= ''
        if float.is_open() and now ~= win and not above and vim.fn.getcmdwintype() == '' then
          float.left()
        end
      end)
    end,
  })
  return win
end

return M
