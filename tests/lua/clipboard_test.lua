-- The clipboard's image, with programs that stand in for the real ones, and files that are dropped on a prompt.

local child = require('support.child')
local test, equal, contains = child.test, child.equal, child.contains

local T = {}

local LINES = 'vim.api.nvim_buf_get_lines(vim.fn.bufnr("^agor://s1/prompt$"), 0, -1, false)'
local PNG = '\137PNG\r\n\26\nrest'

---A program on a PATH of its own, and a desktop that has it.
local function program(nvim, name, script)
  local bin = nvim.home .. '/bin'
  vim.fn.mkdir(bin, 'p')
  vim.fn.writefile(vim.split('#!/bin/sh\n' .. script, '\n'), bin .. '/' .. name)
  vim.uv.fs_chmod(bin .. '/' .. name, 493)
end

local function open(nvim, env, fields)
  vim.fn.mkdir(nvim.home .. '/bin', 'p')
  nvim:lua(
    [[
      local home, env, fields = ...
      for _, name in ipairs({ 'WAYLAND_DISPLAY', 'DISPLAY', 'WSL_DISTRO_NAME' }) do
        vim.env[name] = env[name]
      end
      vim.env.PATH = home .. '/bin:/usr/bin:/bin'
      T.session('s1', vim.tbl_extend('force', { cwd = home, capabilities = { interrupt = true, images = true } }, fields))
      require('agor.ui.prompt').focus('s1')
    ]],
    nvim.home,
    env,
    fields or vim.empty_dict()
  )
  nvim:settle()
end

local function image(nvim, bytes)
  local path = nvim.home .. '/clipboard'
  local fd = assert(vim.uv.fs_open(path, 'w', 384))
  vim.uv.fs_write(fd, bytes)
  vim.uv.fs_close(fd)
  return path
end

local function paste(nvim)
  nvim:lua('require("agor.images").paste({ args = "", bang = false })')
end

T['the image goes into a file for the user alone, and a line of the draft stands for it'] = test(
  nil,
  function(nvim)
    program(
      nvim,
      'wl-paste',
      ('case "$1" in --list-types) echo text/html; echo image/png ;; *) cat "%s" ;; esac'):format(
        image(nvim, PNG)
      )
    )
    open(nvim, { WAYLAND_DISPLAY = 'wayland-0' })
    nvim:type('what is ')
    paste(nvim)
    nvim:wait(('%s[2] ~= nil'):format(LINES))
    local lines = nvim:get(LINES)
    contains(lines[1], '/agor/images/')
    contains(lines[1], '.png')
    equal({ lines[2], nvim:mode() }, { 'what is ', 'i' })
    nvim:type('this?<C-s>')
    local sent = nvim:get('T.sent[1]')
    equal(sent.text, 'what is this?')
    local path = sent.opts.images[1]
    local fd = assert(vim.uv.fs_open(path, 'r', 0))
    equal(vim.uv.fs_read(fd, 100, 0), PNG)
    vim.uv.fs_close(fd)
    equal(vim.uv.fs_stat(path).mode % 512, 384)
    equal(vim.uv.fs_stat(vim.fs.dirname(path)).mode % 512, 448)
  end
)

T['xclip is asked where there is X11, osascript’s and powershell’s words are read'] = test(
  nil,
  function(nvim)
    program(
      nvim,
      'xclip',
      ('case "$4" in TARGETS) echo TARGETS; echo image/jpeg ;; image/jpeg) cat "%s" ;; esac'):format(
        image(nvim, '\255\216\255\224jpeg')
      )
    )
    open(nvim, { DISPLAY = ':0' })
    paste(nvim)
    nvim:wait(('%s[1]:find("%%.jpg$") ~= nil'):format(LINES))
    program(nvim, 'powershell.exe', ('echo "%s"'):format(vim.base64.encode(PNG)))
    nvim:lua('vim.env.DISPLAY, vim.env.WSL_DISTRO_NAME = nil, "Debian"')
    paste(nvim)
    nvim:wait(('%s[2]:find("%%.png$") ~= nil'):format(LINES))
    local hex = PNG:gsub('.', function(byte)
      return ('%02X'):format(byte:byte())
    end)
    program(nvim, 'osascript', ('echo "«data PNGf%s»"'):format(hex))
    nvim:lua(
      'local has = vim.fn.has vim.fn.has = function(what) return what == "mac" and 1 or has(what) end'
    )
    paste(nvim)
    nvim:wait(('#%s == 4'):format(LINES))
  end
)

T['what is missing is said in a sentence, and nothing is attached'] = test(nil, function(nvim)
  local function said(env, fields, sentence)
    open(nvim, env, fields)
    nvim:lua('T.messages = {}')
    paste(nvim)
    nvim:wait('T.messages[1] ~= nil')
    contains(nvim:get('T.messages[1][2]'), sentence)
    equal(nvim:get(LINES), { '' })
  end
  local wayland = { WAYLAND_DISPLAY = 'wayland-0' }
  said(vim.empty_dict(), {}, 'there is no clipboard here: name an image file')
  -- From elsewhere too, where `-- INSERT --` would take the place of the sentence.
  nvim:type('<Esc>')
  paste(nvim)
  nvim:settle()
  equal(nvim:mode(), 'n')
  nvim:lua('vim.fn.executable = function() return 0 end')
  said(
    { WAYLAND_DISPLAY = 'w', DISPLAY = ':0' },
    {},
    'install wl-paste (package wl-clipboard) or xclip, or name a file, :Agor paste shot.png'
  )
  nvim:lua('vim.fn.executable = nil')
  program(nvim, 'wl-paste', 'echo "Nothing is copied" >&2; exit 1')
  said(wayland, {}, 'the clipboard has no image')
  program(nvim, 'wl-paste', 'case "$1" in --list-types) echo text/plain ;; *) echo words ;; esac')
  said(wayland, {}, 'the clipboard has no image')
  program(nvim, 'wl-paste', 'case "$1" in --list-types) echo image/png ;; *) echo words ;; esac')
  said(wayland, {}, 'no image that agents take: png, jpg, gif or webp')
  program(
    nvim,
    'wl-paste',
    'case "$1" in --list-types) echo image/png ;; *) head -c 11m /dev/zero ;; esac'
  )
  said(wayland, {}, 'larger than 10 MiB')
  said(wayland, { capabilities = { interrupt = true } }, 'claude takes no images')
end)

T['old images go, but not those that a draft names'] = test(nil, function(nvim)
  local folder = nvim.home .. '/data/nvim/agor/images'
  vim.fn.mkdir(folder, 'p')
  local function file(name, days)
    vim.fn.writefile({ 'x' }, folder .. '/' .. name)
    vim.uv.fs_utime(folder .. '/' .. name, 0, os.time() - days * 24 * 3600)
  end
  file('old.png', 8)
  file('drafted.png', 8)
  file('new.png', 6)
  local prompts = nvim.home .. '/data/nvim/agor/prompts'
  vim.fn.mkdir(prompts, 'p')
  local draft = {
    lines = { '#drafted.png', '' },
    attachments = {
      ['#drafted.png'] = { path = 'drafted.png', image = folder .. '/drafted.png', size = 1 },
    },
  }
  vim.fn.writefile({ vim.json.encode(draft) }, prompts .. '/s9.json')
  open(nvim, vim.empty_dict())
  local left = {}
  for name in vim.fs.dir(folder) do
    table.insert(left, name)
  end
  table.sort(left)
  equal(left, { 'drafted.png', 'new.png' })
end)

T['a dropped image is attached, and undone it is the path'] = test(nil, function(nvim)
  local path = nvim.home .. '/a shot.png'
  vim.fn.writefile({ PNG }, path)
  open(nvim, vim.empty_dict())
  nvim:type('see ')
  nvim:lua('vim.api.nvim_paste(..., true, -1)', "'" .. path .. "' ")
  nvim:settle()
  equal(nvim:get(LINES), { '#a shot.png', 'see ' })
  nvim:type('<Esc>u')
  equal(nvim:get(LINES), { "see '" .. path .. "' " })
  -- In pieces, as a terminal sends it.
  nvim:type('<Esc>ggcG')
  local escaped = path:gsub(' ', '\\ ')
  nvim:lua(
    'vim.api.nvim_paste((...):sub(1, 9), true, 1) vim.api.nvim_paste((...):sub(10), true, 3)',
    escaped
  )
  nvim:settle()
  equal(nvim:get(LINES), { '#a shot.png', '' })
end)

T['other text that is pasted is text, and so is an image where none is taken'] = test(
  nil,
  function(nvim)
    local path = nvim.home .. '/shot.png'
    vim.fn.writefile({ PNG }, path)
    open(nvim, vim.empty_dict())
    for _, text in ipairs({ 'words', nvim.home, path .. '\nmore', path .. '.txt', 'shot.png' }) do
      nvim:type('<Esc>ggcG')
      nvim:lua('vim.api.nvim_paste(..., true, -1)', text)
      nvim:settle()
      equal(nvim:get(LINES), vim.split(text, '\n'), text)
    end
    nvim:type('<Esc>ggcG')
    nvim:lua('T.session("s1", { capabilities = { interrupt = true } })')
    nvim:lua('vim.api.nvim_paste(..., true, -1)', path)
    nvim:settle()
    equal(nvim:get(LINES), { path })
    -- Elsewhere pasting is as it was.
    nvim:type('<Esc>')
    nvim:cmd('wincmd h')
    nvim:lua('vim.api.nvim_paste(..., true, -1)', path)
    equal(nvim:get('vim.api.nvim_get_current_line()'), path)
  end
)

return T
