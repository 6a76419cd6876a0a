/** What a fresh Cloudreve brings along: viewers that are no WOPI editors, and that a bridge has to pass over. */
export interface BuiltinViewer {
  readonly id: string;
  readonly type: "builtin" | "custom";
  readonly display_name: string;
  readonly exts: readonly string[];
  readonly [more: string]: unknown;
}

const words = (text: string): string[] => text.split(" ");

export const builtinViewers: readonly BuiltinViewer[] = [
  {
    id: "music",
    type: "builtin",
    display_name: "fileManager.musicPlayer",
    exts: words("mp3 ogg wav flac m4a"),
  },
  {
    id: "epub",
    type: "builtin",
    display_name: "fileManager.epubViewer",
    exts: words("epub"),
  },
  {
    id: "googledocs",
    type: "custom",
    display_name: "fileManager.googledocs",
    exts: words(
      "jpeg png gif tiff bmp webm mpeg4 3gpp mov avi mpegps wmv flv txt css html php c cpp h hpp js doc docx xls xlsx ppt pptx pdf pages ai psd tiff dxf svg eps ps ttf xps",
    ),
    url: "https://docs.google.com/gview?url={$src}&embedded=true",
    icon: "/static/img/viewers/gdrive.png",
    max_size: 26214400,
  },
  {
    id: "m365online",
    type: "custom",
    display_name: "fileManager.m365viewer",
    exts: words("doc docx docm dotm dotx xlsx xlsb xls xlsm pptx ppsx ppt pps pptm potm ppam potx ppsm"),
    url: "https://view.officeapps.live.com/op/view.aspx?src={$src}",
    icon: "/static/img/viewers/m365.svg",
    max_size: 10485760,
  },
  {
    id: "pdf",
    type: "builtin",
    display_name: "fileManager.pdfViewer",
    exts: words("pdf"),
  },
  {
    id: "video",
    type: "builtin",
    display_name: "Artplayer",
    exts: words("mp4 mkv webm avi mov m3u8 flv"),
    icon: "/static/img/viewers/artplayer.png",
  },
  {
    id: "markdown",
    type: "builtin",
    display_name: "fileManager.markdownEditor",
    exts: words("md"),
    templates: [{ ext: "md", display_name: "Markdown" }],
  },
  {
    id: "drawio",
    type: "builtin",
    display_name: "draw.io",
    exts: words("drawio dwb"),
    icon: "/static/img/viewers/drawio.svg",
    props: { host: "https://embed.diagrams.net" },
    templates: [
      { ext: "drawio", display_name: "fileManager.diagram" },
      { ext: "dwb", display_name: "fileManager.whiteboard" },
    ],
  },
  {
    id: "image",
    type: "builtin",
    display_name: "fileManager.imageViewer",
    exts: words("bmp png gif jpg jpeg svg webp heic heif"),
  },
  {
    id: "monaco",
    type: "builtin",
    display_name: "fileManager.monacoEditor",
    exts: words(
      "md txt json php py bat c h cpp hpp cs css dockerfile go html htm ini java js jsx less lua sh sql xml yaml",
    ),
    icon: "/static/img/viewers/monaco.svg",
    templates: [{ ext: "txt", display_name: "fileManager.text" }],
  },
  {
    id: "photopea",
    type: "builtin",
    display_name: "Photopea",
    exts: words(
      "psd ai indd xcf xd fig kri clip pxd pxz cdr ufo afphoyo svg esp pdf pdn wmf emf png jpg jpeg gif webp ico icns bmp avif heic jxl ppm pgm pbm tiff dds iff anim tga dng nef cr2 cr3 arw rw2 raf orf gpr 3fr fff",
    ),
    icon: "/static/img/viewers/photopea.png",
  },
  {
    id: "excalidraw",
    type: "builtin",
    display_name: "Excalidraw",
    exts: words("excalidraw"),
    icon: "/static/img/viewers/excalidraw.svg",
    templates: [{ ext: "excalidraw", display_name: "Excalidraw" }],
  },
  {
    id: "archive",
    type: "builtin",
    display_name: "fileManager.archivePreview",
    exts: words("zip 7z"),
    required_group_permission: [5],
  },
];
